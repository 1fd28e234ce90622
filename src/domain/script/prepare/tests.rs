use super::*;

fn variables(syntax: Syntax, values: &[(&str, &str)]) -> Variables {
    let values = values.iter().map(|(name, value)| (name.to_string(), value.to_string()));
    Variables { project: "p".into(), syntax, values: values.collect(), ..Variables::default() }
}

fn ready<'a>(text: &'a str, variables: &Variables) -> Script<'a> {
    let made = prepare(text, true, variables);
    assert!(made.is_ok(), "{made:?}");
    made.unwrap_or_default()
}

fn sql(text: &str, variables: &Variables) -> Result<String, What> {
    let script = prepare(text, true, variables).map_err(|fault| fault.what)?;
    Ok(script.sql.into_owned())
}

#[test]
fn leaves_plain_sql_alone() {
    let none = Variables::default();
    for text in ["", "SELECT 1;\n", "SELECT a::int, b[1:2], ':x', ${x} -- :x\n"] {
        let script = ready(text, &none);
        assert!(matches!(script.sql, Cow::Borrowed(sql) if sql == text));
    }
}

#[test]
fn expands_placeholders() {
    let psql =
        variables(Syntax::Psql, &[("s", "a'b"), ("t", "my \"t"), ("n", "1 + 1"), ("b", "\\")]);
    for (text, expected) in [
        (
            "SELECT :n, :'s', :\"t\", :'b', :{?n}, :{?no}, x::int, ':n'",
            "SELECT 1 + 1, 'a''b', \"my \"\"t\",  E'\\\\', TRUE, FALSE, x::int, ':n'",
        ),
        ("-- :no\nSELECT $$:no$$, a[1:2]", "-- :no\nSELECT $$:no$$, a[1:2]"),
    ] {
        assert_eq!(sql(text, &psql), Ok(expected.to_owned()));
    }
    assert_eq!(sql("SELECT :no", &psql), Err(What::Unset("no".into(), "p".into())));
    let dollar = variables(Syntax::Dollar, &[("schema", "app"), ("x y", "2"), ("a:b", "c")]);
    for (text, expected) in [
        (
            "SET search_path = '${schema}', ${ x y }; $$ ${schema} $$ -- ${no} ${schema}\n",
            "SET search_path = 'app', 2; $$ app $$ -- ${no} ${schema}\n",
        ),
        ("SELECT '${", "SELECT '${"),
        ("TABLE ${a:b}.t", "TABLE c.t"),
        ("COPY t FROM stdin;\n${no}\n\\.\nSELECT ${schema}", "COPY t FROM stdin;\nSELECT app"),
    ] {
        assert_eq!(sql(text, &dollar), Ok(expected.to_owned()));
    }
    assert_eq!(sql("SELECT\n '${no}'", &dollar), Err(What::Unset("no".into(), "p".into())));
}

#[test]
fn honours_commands() {
    let none = Variables::default();
    for (text, expected) in [
        ("\\set x 5\nSELECT :x, :y;", "\nSELECT 5, :y;"),
        ("\\set x a\\set y :x:x\nSELECT :'y';\\unset y\nSELECT :y", "\nSELECT 'aa';\nSELECT :y"),
        ("SELECT 1 \\g\nSELECT 2\\;SELECT 3", "SELECT 1 ;\nSELECT 2;SELECT 3"),
        ("\\set x 5\nSELECT :x, a[1\\:x]", "\nSELECT 5, a[1:x]"),
        ("\\restrict abc\nSELECT 1;\n\\unrestrict abc\n", "\nSELECT 1;\n\n"),
        ("SELECT 1;\\q\nall of this is gone \\i x", "SELECT 1;"),
    ] {
        assert_eq!(sql(text, &none), Ok(expected.to_owned()));
    }
    let script = ready("\\echo a\nSELECT 1;\n\\pset x\n", &none);
    assert_eq!(script.passed_over, [(0, "\\echo".into()), (18, "\\pset".into())]);
    assert!(matches!(sql("\\i x.sql\n", &none), Err(What::Command(name, _)) if name == "\\i"));
}

#[test]
fn puts_data_aside_and_leads_back() {
    let text =
        "\\set t my\nCOPY :t FROM stdin; -- a;b\n1;\n2\n\\.\nSELECT é, :t;\nCOPY u FROM stdin;\nx";
    let script = ready(text, &Variables::default());
    assert_eq!(script.sql, "\nCOPY my FROM stdin; -- a;b\nSELECT é, my;\nCOPY u FROM stdin;\n");
    let data: Vec<&str> = script.data.iter().map(|data| &text[data.range.clone()]).collect();
    assert_eq!(data, ["1;\n2\n", "x"]);
    for data in &script.data {
        assert!(script.sql[..data.semicolon].ends_with("FROM stdin"));
    }
    for (there, here) in
        [("COPY my", "COPY :t"), ("SELECT", "SELECT"), ("é", "é"), ("COPY u", "COPY u")]
    {
        let sql = script.sql.find(there).unwrap_or(usize::MAX);
        assert_eq!(script.map.back(sql), text.find(here).unwrap_or(usize::MAX), "{there}");
    }
    let inner = script.sql.find("my").unwrap_or(usize::MAX);
    assert_eq!(script.map.back(inner + 1), text.find(":t").unwrap_or(usize::MAX));
    assert_eq!(
        script.map.back_end(script.sql.find("my;\nCOPY").unwrap_or(usize::MAX) + 2),
        text.find(":t;").unwrap_or(usize::MAX) + 2
    );
}

#[test]
fn finds_the_statement_of_data() {
    let dollar = variables(Syntax::Dollar, &[("a", "it's;"), ("e", "")]);
    for text in [
        "COPY t FROM stdin WITH (NULL 'a\nb;'); -- it's; a\n1\n",
        "SELECT ';' AS \";\"; COPY t FROM stdin /* a\n ' */ ; -- ;\n1\n",
        "COPY t FROM stdin (NULL E'\\';'\n);\n1\n\\.\nCOPY u FROM stdin;-- ${a}\n2",
        "-- ${a}\nCOPY ${e}t FROM stdin; -- ${a}${no}\n1\n",
        "\\;COPY t FROM stdin \\g\n1\n",
    ] {
        for variables in [&dollar, &Variables::default()] {
            let script = ready(text, variables);
            let mut place = 0;
            assert!(!script.data.is_empty(), "{text}");
            for data in &script.data {
                assert!(data.semicolon > place, "{text}");
                assert!(script.sql[data.semicolon..].starts_with(';'), "{text}");
                place = data.semicolon;
                let statement = script.map.back(place);
                assert!(
                    ["; --", ";\n", ";--", "\\g\n"]
                        .iter()
                        .any(|there| text[statement..].starts_with(there))
                );
            }
        }
    }
}

#[test]
fn leads_back_to_the_end() {
    let dollar = variables(Syntax::Dollar, &[("x", "long value")]);
    for (text, end) in [("SELECT ${x}", 11), ("SELECT ${x}\\q SELECT", 11)] {
        let script = ready(text, &dollar);
        assert_eq!(script.map.back_end(script.sql.len()), end);
    }
}

#[test]
fn keeps_values_within_bounds() {
    let doubled: String = (1..40).map(|n| format!("\\set x{n} :x{0}:x{0}\n", n - 1)).collect();
    let text = format!("\\set x0 0123456789\n{doubled}");
    let made = prepare(&text, true, &Variables::default()).map(|_| ());
    assert_eq!(made.map_err(|fault| fault.what), Err(What::TooLong));
    // Not at once, but by and by; and quotes double each time.
    let doubled: String = (1..19).map(|n| format!("\\set x{n} :x{0}:x{0}\n", n - 1)).collect();
    let again = "\\set y a:x18\n".repeat(10);
    let quoted = "\\set z '\\'' :'z'\n".repeat(40);
    for text in [
        format!("\\set x0 0123456789\n{doubled}{}", ":x18 ".repeat(10)),
        format!("\\set x0 0123456789\n{doubled}{again}"),
        quoted,
    ] {
        let started = std::time::Instant::now();
        let made = prepare(&text, true, &Variables::default()).map(|_| ());
        assert_eq!(made.map_err(|fault| fault.what), Err(What::TooLong));
        assert!(started.elapsed().as_secs() < 10);
    }
}
