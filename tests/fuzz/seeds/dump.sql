--
-- PostgreSQL database dump
--
\restrict k3Yk3Yk3Y
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
CREATE FUNCTION public.f(a integer) RETURNS integer
    LANGUAGE sql
    BEGIN ATOMIC
 SELECT CASE WHEN (f.a > 0) THEN 1 ELSE 2 END;
END;
COPY public.t (id, v) FROM stdin;
1	\\.
2	a\tb;
\.

COPY public.u FROM stdin;
\.
ALTER TABLE ONLY public.t ADD CONSTRAINT t_pkey PRIMARY KEY (id);
\unrestrict k3Yk3Yk3Y
