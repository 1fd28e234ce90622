SELECT 'a''b' 'c', E'\'' -- c'
  '\';', U&'\0041' UESCAPE '!', U&"a;", B'01', X'0f;', N'x;', "a"";b", e'\\';
SELECT $a$ $b$ ; $b$ $$ $a$, $1, x$a$, $é$;$é$;
