SET search_path = '${x}', ${ a }; -- ${nothing} ${e}
SELECT $$ ${x} $$, :x, :'a', :"a", :'e', :{?x}, :{?no}; ${t}
COPY ${x} (${x}) FROM stdin; -- ${x} ; '
${x}
\.
SELECT ${x}