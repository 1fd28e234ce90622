\set x 'a' \set y :x:x \set z :y:y
SELECT :'z' ;\unset y \x\t \a\echo `date` \\
\connect - \i x.sql
