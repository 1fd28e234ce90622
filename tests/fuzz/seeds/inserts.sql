SET client_encoding = 'UTF8';
INSERT INTO public.t VALUES (1, 'it''s; "odd"', E'a\\b\n', '\x00ff', NULL);
INSERT INTO public.t (id, "a;b") VALUES (2, $$;$$);
COMMENT ON TABLE public.t IS 'é ; --';
