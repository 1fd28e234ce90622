use super::*;

fn order_of(files: &[(&str, &str)]) -> (Vec<String>, Notes) {
    let files: Vec<File> = files.iter().map(|(path, text)| File { path, text }).collect();
    let mut notes = Notes::default();
    let ordered = order(&files, None, &Filter::default(), &mut notes).unwrap_or_default();
    (ordered.iter().map(|file| file.path.to_owned()).collect(), notes)
}

const XML: &str = "<databaseChangeLog xmlns=\"x\">\n<!-- <include file=\"gone.sql\"/> -->\n\
    <include file=\"db/changes/b c.sql\" relativeToChangelogFile=\"false\"/>\n\
    <includeAll path='more'/></databaseChangeLog>";
const YAML: &str = "databaseChangeLog:\n  # - include: x\n  - include:\n      file: changes/b c.sql # it\n\
    \x20     relativeToChangelogFile: true\n  - includeAll:\n      path: db/more/\n";
const JSON: &str = "{\"databaseChangeLog\": [{\"include\": {\"file\": \"changes/b c.sql\"}},\
    {\"includeAll\": {\"path\": \"more\"}}]}";

#[test]
fn follows_includes() {
    for (name, text) in [("m.xml", XML), ("m.yaml", YAML), ("m.json", JSON)] {
        let (ordered, notes) = order_of(&[
            ("changes/a.sql", ""),
            ("changes/b c.sql", ""),
            ("more/2.sql", ""),
            ("more/10.sql", ""),
            ("more/README.md", ""),
            (name, text),
        ]);
        assert_eq!(ordered, ["changes/b c.sql", "more/10.sql", "more/2.sql"], "{name}");
        assert_eq!(notes.problems, [], "{name}");
        let ignored: Vec<&str> =
            notes.ignored.iter().chain(&notes.unread).map(|(p, _)| p.as_str()).collect();
        assert_eq!(ignored, [name, "changes/a.sql"]);
    }
}

#[test]
fn follows_includes_of_includes() {
    let (ordered, notes) = order_of(&[
        ("db/v1/log.yml", "databaseChangeLog:\n- include:\n    file: x.sql\n"),
        ("db/v1/x.sql", ""),
        ("db/v2/y.sql", ""),
        (
            "db/master.xml",
            "<databaseChangeLog><include file=\"v2/y.sql\"/><include file=\"v1/log.yml\"/><include file=\"db/v2/y.sql\"/></databaseChangeLog>",
        ),
    ]);
    assert_eq!(ordered, ["db/v2/y.sql", "db/v1/x.sql"]);
    assert_eq!(notes.problems, []);
}

#[test]
fn refuses_what_is_not_supported() {
    for (text, message) in [
        ("<changeSet id=\"1\"/>", "a changeset that is not written in SQL is not read"),
        ("<include file=\"z.sql\"/>", "it includes z.sql, which is not in the folder"),
        (
            "<include file=\"a.sql\" context=\"test\"/>",
            "\"context\" of an include is not supported",
        ),
        (
            "<includeAll path=\".\" resourceComparator=\"x.Y\"/>",
            "\"resourceComparator\" of an include is not supported",
        ),
        ("<includeAll path=\".\" maxDepth=\"1\"/>", "\"maxDepth\" of an include is not supported"),
        (
            "<include file=\"a.sql\" logicalFilePath=\"x\"/>",
            "\"logicalFilePath\" of an include is not supported",
        ),
        ("<include/>", "the include has no file"),
        ("<preConditions/>", "preconditions are not supported"),
        (
            "<changeLogPropertyDefinedx/>",
            "\"changeLogPropertyDefinedx\" in a changelog is not supported",
        ),
    ] {
        let text = format!("<databaseChangeLog>\n{text}</databaseChangeLog>");
        let (_, notes) = order_of(&[("a.sql", ""), ("m.xml", &text)]);
        let found: Vec<_> = notes.problems.iter().map(|p| (p.line, &p.message)).collect();
        assert_eq!(found, [(Some(2), &message.to_owned())], "{text}");
    }
    let other = "<databaseChangeLog/>";
    let (_, notes) = order_of(&[("a.xml", other), ("b.xml", other)]);
    assert_eq!(notes.problems.len(), 1);
}

#[test]
fn reads_all_forms_of_the_formats() {
    for (name, text, expected) in [
        // What is in a comment.
        (
            "m.xml",
            "<!-- <databaseChangeLog>\n<include file=\"a.sql\"/></databaseChangeLog> -->",
            None,
        ),
        ("m.yaml", "# databaseChangeLog:\n# - include: {file: a.sql}\n", None),
        (
            "m.xml",
            "<databaseChangeLog><!--\n<include file=\"x/1.sql\"/>\n--><include file='a&amp;b.sql'/></databaseChangeLog>",
            Some("a&b.sql"),
        ),
        (
            "m.xml",
            "<db:databaseChangeLog xmlns:db=\"u\"><db:include file=\"a&#38;b.sql\"></db:include></db:databaseChangeLog>",
            Some("a&b.sql"),
        ),
        (
            "m.yml",
            "databaseChangeLog:\n- include: {file: \"a\\x26b.sql\"} # - include: x/1.sql\n- property:\n    name: file\n    value: x/1.sql\n",
            Some("a&b.sql"),
        ),
        (
            "m.json",
            "{\n\t\"databaseChangeLog\": [\n\t\t{\"include\": {\n\t\t\t\"file\": \"a\\u0026b.sql\"}}\n\t]\n}",
            Some("a&b.sql"),
        ),
        (
            "m.yaml",
            "databaseChangeLog:\n- includeAll:\n    path: x\n    endsWithFilter: .up.sql\n    errorIfMissingOrEmpty: false\n",
            Some("x/1.up.sql"),
        ),
    ] {
        let (ordered, notes) =
            order_of(&[("a&b.sql", ""), ("x/1.up.sql", ""), ("x/1.sql", ""), (name, text)]);
        match expected {
            Some(expected) => {
                assert_eq!(ordered, [expected], "{text}");
                assert_eq!(notes.problems, [], "{text}");
            }
            None => {
                assert_eq!(ordered, Vec::<String>::new(), "{text}");
                assert_eq!(notes.problems[0].message, "it holds no databaseChangeLog");
            }
        }
    }
    for (name, text, line) in [
        ("m.xml", "<databaseChangeLog>\n<include file=\"a&b.sql\"/>", 2),
        ("m.xml", "<databaseChangeLog>\n\n</x>", 3),
        ("m.xml", "<databaseChangeLog>\n<include>", 2),
        ("m.yaml", "databaseChangeLog:\n- &a include: {file: a.sql}\n- *a\n", 3),
        ("m.yaml", "databaseChangeLog: []\n---\ndatabaseChangeLog: []\n", 2),
        ("m.yaml", "databaseChangeLog: [\n", 2),
    ] {
        let (_, notes) = order_of(&[(name, text)]);
        assert_eq!(notes.problems[0].line, Some(line), "{text}: {:?}", notes.problems);
    }
}

#[test]
fn contexts_select_includes() {
    let master = "databaseChangeLog:\n- include: {file: 1.sql, context: test}\n- include: {file: 2.sql, labels: b}\n- include: {file: 3.sql, ignore: true}\n- include: {file: 4.sql}\n";
    let all = ["1.sql", "2.sql", "3.sql", "4.sql"].map(|path| File { path, text: "" });
    let files = [&all[..], &[File { path: "m.yml", text: master }]].concat();
    for (contexts, labels, expected) in
        [("test", "a or b", vec!["1.sql", "2.sql", "4.sql"]), ("prod", "a", vec!["4.sql"])]
    {
        let filter = Filter { contexts: Some(contexts), labels: Some(labels) };
        let mut notes = Notes::default();
        let ordered = order(&files, None, &filter, &mut notes).unwrap_or_default();
        let ordered: Vec<&str> = ordered.iter().map(|file| file.path).collect();
        assert_eq!(ordered, expected);
        assert_eq!((notes.problems, notes.unread), (vec![], vec![]));
        assert_eq!(notes.ignored.len(), 1 + all.len() - expected.len());
    }
}

#[test]
fn orders_by_paths_without_changelogs() {
    let (ordered, notes) = order_of(&[("b.SQL", ""), ("10.sql", ""), ("2.sql", ""), ("x.xml", "")]);
    assert_eq!(ordered, ["10.sql", "2.sql", "b.SQL"]);
    assert_eq!(notes, Notes::default());
}
