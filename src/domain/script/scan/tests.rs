use super::*;

fn pieces(text: &str) -> Vec<(PieceKind, &str)> {
    let scan = scan(text, true);
    scan.pieces.iter().map(|p| (p.kind, &text[p.range.clone()])).collect()
}

fn statements(text: &str, conforming: bool) -> Vec<String> {
    let scan = scan(text, conforming);
    let mut start = 0;
    let mut found = Vec::new();
    for end in scan.ends.into_iter().chain([text.len()]) {
        found.push(text[start.min(end)..end].trim().to_owned());
        start = end + 1;
    }
    found.retain(|s| !s.is_empty());
    found
}

#[test]
fn finds_where_statements_end() {
    for (text, count) in [
        ("SELECT 1; SELECT 2", 2),
        ("SELECT ';' ; SELECT E'\\';' ; SELECT ';'';'", 3),
        ("SELECT E'a'\n -- c'\n '\\';b'; SELECT 2", 2),
        ("SELECT E'a' 'b'; SELECT 1", 2),
        ("SELECT $$;$$ ; SELECT $a$ $b$ ; $a$; SELECT $1", 3),
        ("SELECT $a$;$b$;$a$; SELECT x$a$;", 2),
        ("SELECT \"a;\"\"b;\"; SELECT U&'\\;' ; SELECT U&\"a;\"", 3),
        ("SELECT 1 /* ; /* ; */ ; */; -- ;\n SELECT 2", 2),
        ("SELECT 2*/* ; */3; SELECT a--;\n", 2),
        ("CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2); SELECT 3", 2),
        (
            "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE WHEN true THEN 1 END; END; SELECT 2",
            2,
        ),
        ("CREATE OR REPLACE PROCEDURE p() BEGIN ATOMIC ; END; SELECT 2", 2),
        ("CREATE FUNCTION begin(a int) RETURNS int AS 'x' LANGUAGE c; SELECT 2", 2),
        ("BEGIN; SELECT 1; END", 3),
        ("SELECT 'open; SELECT 2", 1),
        ("SELECT $x$open; SELECT 2", 1),
        ("/* open; SELECT 2", 1),
        ("SELECT B'01;' ; SELECT X'0;' ; SELECT N';'", 3),
        ("SELECT '\\'; SELECT 2", 2),
        ("SELECT 1$a$;$a$; SELECT $1$a$;$a$", 2),
        (
            "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN a THEN 1END; END; SELECT 2",
            2,
        ),
        ("", 0),
    ] {
        assert_eq!(statements(text, true).len(), count, "{text}");
    }
    assert_eq!(statements("SELECT '\\'; SELECT 2'; SELECT 3", false).len(), 2);
    assert_eq!(statements("SELECT B'\\'; SELECT x'\\'; SELECT 3", false).len(), 3);
}

#[test]
fn finds_data() {
    use PieceKind::*;
    let text = "COPY t (a, \"b\") FROM stdin; -- data\n1\t;\n\\N\t\\.x\n\\.\nSELECT 1;\n";
    assert_eq!(
        pieces(text),
        [
            (Sql, "COPY t (a, \"b\") FROM stdin;"),
            (Comment, " -- data\n"),
            (Data, "1\t;\n\\N\t\\.x\n"),
            (EndOfData, "\\.\n"),
            (Sql, "SELECT 1;\n"),
        ]
    );
    for (text, data) in [
        ("copy t from STDIN with (format csv);\r\na\r\n\\.\r\n", Some("a\r\n")),
        ("COPY t FROM stdin;\n\\.\nSELECT 1", None),
        ("COPY t FROM stdin;\n\\.", None),
        ("COPY t FROM stdin;\n", None),
        ("COPY t FROM stdin;", None),
        ("COPY t FROM stdin;\n1\n2", Some("1\n2")),
        ("COPY t FROM stdin;\n\\.x\n\\.\n", Some("\\.x\n")),
        ("COPY t FROM stdin\n;\n1\n\\.\n", Some("1\n")),
        ("COPY t FROM 'stdin';\n1\n\\.\n", None),
        ("COPY (SELECT 1 FROM stdin) TO STDOUT;\n1", None),
        ("COPY t TO STDOUT;\n1", None),
        ("SELECT copy FROM stdin;\n1", None),
        ("COPY stdin FROM 'x' WITH (y);\n1", None),
        ("COPY t FROM PROGRAM 'x';\n1", None),
        ("COPY t FROM stdin WHERE a > 1;\n1\n", Some("1\n")),
        ("COPY s.from FROM stdin;\n1\n", Some("1\n")),
        ("SELECT 1 \\g\nCOPY t FROM stdin;\n1\n", Some("1\n")),
        ("SELECT (1 \\gx\nCOPY t FROM stdin \\g\n1\n", Some("1\n")),
        ("SELECT 1\\;COPY t FROM stdin;\n1\n", Some("1\n")),
        ("SELECT 1\\g", None),
    ] {
        let found = pieces(text).into_iter().find(|p| p.0 == Data).map(|p| p.1);
        assert_eq!(found, data, "{text:?}");
    }
    let behind = "COPY t FROM stdin; SELECT 1;\n1\n\\.\n";
    assert_eq!(scan(behind, true).after_copy, Some(19));
    for (text, place) in [
        ("COPY t FROM stdin\\;SELECT 1;\n1\n", 17),
        ("COPY t FROM stdin; -- a\rb\n1\n", 23),
        ("COPY t FROM stdin \\g \\\\ SELECT 1;\n1\n", 24),
    ] {
        assert_eq!(scan(text, true).after_copy, Some(place), "{text:?}");
    }
}

#[test]
fn finds_commands_and_variables() {
    use PieceKind::*;
    assert_eq!(
        pieces("\\set x 'a \\' b' \nSELECT :x, :'x', :\"x\", :{?x}, a::int, b := 1, ':y';"),
        [
            (Command, "\\set x 'a \\' b' "),
            (Sql, "\nSELECT "),
            (Variable, ":x"),
            (Sql, ", "),
            (Variable, ":'x'"),
            (Sql, ", "),
            (Variable, ":\"x\""),
            (Sql, ", "),
            (Variable, ":{?x}"),
            (Sql, ", a::int, b := 1, ':y';"),
        ]
    );
    let text = "\\echo a \\\\ SELECT 1 \\gset x_\n\\;\\q";
    let commands: Vec<_> =
        pieces(text).into_iter().filter(|p| p.0 == Command).map(|p| p.1).collect();
    assert_eq!(commands, ["\\echo a \\\\", "\\gset x_", "\\;", "\\q"]);
    let text = "SELECT a\\:b; \\echo 'a\rb' c\rd\r\n";
    assert_eq!(
        pieces(text),
        [
            (Sql, "SELECT a"),
            (Command, "\\:"),
            (Sql, "b; "),
            (Command, "\\echo 'a\rb' c\rd\r"),
            (Sql, "\n")
        ]
    );
    assert_eq!(pieces("SELECT '\\x' -- \\x\n").len(), 3);
    assert!(pieces("SELECT a[1:2], b[:], : x").iter().all(|p| p.0 == Sql));
    assert_eq!(
        pieces("a[ :x, ARRAY[:y]]"),
        [(Sql, "a[ "), (Bound, ":x"), (Sql, ", ARRAY["), (Variable, ":y"), (Sql, "]]")]
    );
}

#[test]
fn takes_time_in_proportion() {
    const SIZE: usize = 4 << 20;
    for part in [
        "'", "\"", "$$", "$a$", "/*", "--", "E'\\", "\\", "\\.\n", "$", "(", ":x", "E'a'\n",
        "a\n\\.", "'' ", "\\g\n", "\\a",
    ] {
        for head in ["", "COPY t FROM stdin;\n", "SELECT E'", "\\set x "] {
            let text = format!("{head}{}", part.repeat(SIZE / part.len()));
            let started = std::time::Instant::now();
            let pieces = scan(&text, true).pieces.len();
            assert!(pieces > 0);
            assert!(started.elapsed().as_secs() < 10, "{part:?} behind {head:?}");
        }
    }
}
