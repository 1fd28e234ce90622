COPY t FROM stdin /* ; /* */ 
\.
