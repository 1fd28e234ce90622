use super::*;

fn variables(syntax: Syntax, values: &[(&str, &str)]) -> Variables {
    let values = values.iter().map(|(name, value)| (name.to_string(), value.to_string()));
    Variables { project: "p".into(), syntax, values: values.collect(), ..Variables::default() }
}

fn ready<'a>(text: &'a str, variables: &Variables) -> PreparedScript<'a> {
    let made = prepare(text, true, variables);
    assert!(made.is_ok(), "{made:?}");
    made.unwrap_or_default()
}

fn sql(text: &str, variables: &Variables) -> Result<String, ScriptProblem> {
    let script = prepare(text, true, variables).map_err(|fault| fault.problem)?;
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

fn unset(names: &[&str]) -> ScriptProblem {
    ScriptProblem::Unset(names.iter().map(|name| name.to_string()).collect(), "p".into())
}

#[test]
fn has_a_way_to_write_a_placeholder() {
    let dollar = variables(Syntax::Dollar, &[("x", "1")]);
    for (text, expected) in [
        ("SELECT '${$}{x}', ${x}", "SELECT '${x}', 1"),
        ("SELECT $a$ ${ $ }{no} $a$", "SELECT $a$ ${no} $a$"),
        // The dollar sign takes no part in another placeholder or quote.
        ("SELECT '${$}${x}'", "SELECT '$1'"),
        ("SELECT $$ ${$}${$} $$", "SELECT $$ $$ $$"),
    ] {
        assert_eq!(sql(text, &dollar), Ok(expected.to_owned()));
    }
    let psql = variables(Syntax::Psql, &[("x", "1")]);
    assert_eq!(sql("SELECT \\:x, :x", &psql), Ok("SELECT :x, 1".to_owned()));
}

#[test]
fn does_not_run_what_only_flyway_expands() {
    let unexpanded = |names: &[&str]| {
        Err(ScriptProblem::Unexpanded(
            names.iter().map(|name| name.to_string()).collect(),
            "p".into(),
        ))
    };
    for syntax in [Syntax::None, Syntax::Psql] {
        let own = variables(syntax, &[("flyway:user", "me")]);
        assert_eq!(
            sql("SELECT '${flyway:user}', $$${flyway:timestamp}$$, '${x}'", &own),
            unexpanded(&["flyway:user", "flyway:timestamp"])
        );
        let comment = "SELECT 1 -- ${flyway:user}\n";
        assert_eq!(sql(comment, &own), Ok(comment.to_owned()));
    }
    let dollar = variables(Syntax::Dollar, &[("flyway:user", "me")]);
    assert_eq!(sql("SELECT '${flyway:user}'", &dollar), Ok("SELECT 'me'".to_owned()));
    assert_eq!(sql("SELECT '${flyway:table}'", &dollar), Err(unset(&["flyway:table"])));
    // While a text is registered, no project has been asked yet.
    let text = "SELECT '${flyway:user}'";
    assert_eq!(sql(text, &Variables::default()), Ok(text.to_owned()));
}

#[test]
fn tells_variables_from_other_colons() {
    let psql = variables(Syntax::Psql, &[("x", "1"), ("hi", "9"), ("v", "2")]);
    for text in [
        "SELECT a[lo:no], a[lo : no], a[lo :no], a[:no], a[no:], a[f(a)[1]:no]",
        "SELECT a[lo:hi], (b)[c.d:hi], a[\"q\":hi], a[f(1):hi], a[1:2][lo:hi], a['1'::int:hi]",
        "SELECT x::text, f(a := 1), '12:30', TIMESTAMP '2020-01-01 12:30:00', 12:30, E'\\':no'",
        "SELECT JSON_OBJECT('k':v, 'l' : no, \"m\" :no), json_object (KEY a.b:v RETURNING text)",
        "UPDATE t SET a[lo:hi] = '{1}', b = $$ :no $$",
    ] {
        assert_eq!(sql(text, &psql), Ok(text.to_owned()), "{text}");
    }
    for (text, expected) in [
        ("SELECT a[:x], a[ :x :hi ], a[1, :x]", "SELECT a[1], a[ 1 9 ], a[1, 1]"),
        ("SELECT ARRAY[:x, :v], ARRAY[[:x], [:v]]", "SELECT ARRAY[1, 2], ARRAY[[1], [2]]"),
        ("SELECT a[b - :x:hi], a[f(:x):hi]", "SELECT a[b - 1:hi], a[f(1):hi]"),
        ("SELECT JSON_OBJECT(:x : :v), f(:x), t_:x", "SELECT JSON_OBJECT(1 : 2), f(1), t_1"),
    ] {
        assert_eq!(sql(text, &psql), Ok(expected.to_owned()), "{text}");
    }
    for text in [
        "SELECT ARRAY[:no]",
        "SELECT ARRAY [[1], [:no]]",
        "SELECT JSON_OBJECT(:no : 1)",
        "SELECT a[f(:no)]",
        "SELECT (a[1]), t_:no",
        "SELECT a[1; :no",
    ] {
        assert_eq!(sql(text, &psql), Err(unset(&["no"])), "{text}");
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
    assert_eq!(sql("SELECT :no", &psql), Err(unset(&["no"])));
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
    assert_eq!(sql("SELECT\n '${no}'", &dollar), Err(unset(&["no"])));
    // All of them, each once, where the first one is.
    assert_eq!(
        sql("SELECT '${no}', ${schema}, $$${b} ${no}$$, ${a} /* ${c} */", &dollar),
        Err(unset(&["no", "b", "a"]))
    );
    assert_eq!(
        sql("SELECT :no, :'c', :n, :\"no\", :a, ':d'", &psql),
        Err(unset(&["no", "c", "a"]))
    );
    let fault = prepare("SELECT 1,\n ${b}", true, &dollar).err();
    assert_eq!(fault.map(|fault| fault.offset), Some(11));
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
    assert_eq!(script.ignored_commands, [(0, "\\echo".into()), (18, "\\pset".into())]);
    assert!(
        matches!(sql("\\i x.sql\n", &none), Err(ScriptProblem::Command(name, _)) if name == "\\i")
    );
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
        assert_eq!(script.map.to_source(sql), text.find(here).unwrap_or(usize::MAX), "{there}");
    }
    let inner = script.sql.find("my").unwrap_or(usize::MAX);
    assert_eq!(script.map.to_source(inner + 1), text.find(":t").unwrap_or(usize::MAX));
    assert_eq!(
        script.map.to_source_end(script.sql.find("my;\nCOPY").unwrap_or(usize::MAX) + 2),
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
                let statement = script.map.to_source(place);
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
        assert_eq!(script.map.to_source_end(script.sql.len()), end);
    }
}

#[test]
fn keeps_values_within_bounds() {
    let doubled: String = (1..40).map(|n| format!("\\set x{n} :x{0}:x{0}\n", n - 1)).collect();
    let text = format!("\\set x0 0123456789\n{doubled}");
    let made = prepare(&text, true, &Variables::default()).map(|_| ());
    assert_eq!(made.map_err(|fault| fault.problem), Err(ScriptProblem::TooLong));
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
        assert_eq!(made.map_err(|fault| fault.problem), Err(ScriptProblem::TooLong));
        assert!(started.elapsed().as_secs() < 10);
    }
}
