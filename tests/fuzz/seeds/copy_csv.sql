copy t from STDIN with (format csv, null E'\'\n', quote '"'); -- a;b'
a,"b
\.x",;
\.
COPY s.from (a, "b;") FROM stdin WHERE a > 1
;
1;2
\.