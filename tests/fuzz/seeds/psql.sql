\set ON_ERROR_STOP on
\set table odd_one
\set name 'it''s\n' ' ' :table :'table' "x y" a:b::c
\echo 'making' :table \\ SELECT 1 \g
CREATE TABLE :"table" (id int); \timing
INSERT INTO :table VALUES (1)\;SELECT :'name', :{?table}, 1::int, (ARRAY[1,2])[1:2], a[:x] \gx
\unset table
\pset format csv
SELECT a\:x;
\d+ t
\q
SELECT 1 / 0;
