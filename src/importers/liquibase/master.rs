//! Changelogs in XML, YAML and JSON, as far as they say in which order files run.

use super::super::format::element::Element;
use super::super::section::holds;
use super::super::{File, Notes, Problem};
use super::attributes::{SAY_CONTEXTS, SAY_LABELS};
use super::filter::Filter;
use crate::domain::halt;
use std::collections::{HashMap, HashSet};

/// Whether a file is a changelog that isn't SQL.
pub fn is_changelog(file: &File) -> bool {
    let path = file.path.to_ascii_lowercase();
    [".xml", ".yaml", ".yml", ".json"].iter().any(|ending| path.ends_with(ending))
        && holds(file.text, "databaseChangeLog")
}

/// The files of SQL in the order in which they run: as the changelog of the configuration and
/// those that it includes say; without it, as the one says that no other one includes; and if
/// there are none, by their paths.
///
/// Errors: they include more than is read.
pub fn order<'a>(
    files: &[File<'a>],
    configured: Option<(&str, Problem)>,
    filter: &Filter,
    notes: &mut Notes,
) -> Result<Vec<File<'a>>, Problem> {
    let mut sorted = files.to_vec();
    sorted.sort_by_key(|file| file.path);
    let is_sql = |file: &&File| file.path.to_ascii_lowercase().ends_with(".sql");
    let masters: Vec<File> = sorted.iter().filter(|file| is_changelog(file)).copied().collect();
    let mut walk = Walk {
        files: &sorted,
        ordered: Vec::new(),
        seen: HashSet::new(),
        left_out: HashMap::new(),
    };
    let nowhere = File { path: "", text: "" };
    let configured = configured.and_then(|(path, problem)| {
        let root = walk.resolve(&nowhere, path, false).first().copied();
        if root.is_none() {
            notes.refuse(problem);
        }
        root
    });
    if masters.is_empty() && configured.is_none() {
        return Ok(sorted.iter().filter(is_sql).copied().collect());
    }
    let mut includes: HashMap<&str, Vec<File>> = HashMap::new();
    for master in &masters {
        notes.ignore(master.path, "it is read for the order of its includes alone");
        includes.insert(master.path, walk.includes(master, filter, notes)?);
    }
    let included: HashSet<&str> = includes.values().flatten().map(|file| file.path).collect();
    // Those that no other one includes are where Liquibase begins.
    let roots: Vec<File> = match configured {
        Some(root) => vec![root],
        None => masters.into_iter().filter(|file| !included.contains(file.path)).collect(),
    };
    if let [one, other, ..] = roots[..] {
        let message = format!("{} and {} both begin a set of changelogs", one.path, other.path);
        let hint = "Load the folder of one of them, or leave one of them out.";
        notes.refuse(Problem::of(other.path, message, hint));
    }
    for root in &roots {
        walk.visit(root, &includes);
    }
    let Walk { ordered, left_out, .. } = walk;
    let run: HashSet<&str> = ordered.iter().map(|file| file.path).collect();
    for file in sorted.iter().filter(is_sql).filter(|file| !run.contains(file.path)) {
        match left_out.get(file.path) {
            Some(why) => notes.ignore(file.path, why),
            None => notes.unread(file.path, "no changelog includes it"),
        }
    }
    Ok(ordered)
}

/// How many files a changelog may include.
const MOST: usize = 100_000;

/// The longest path of a file that is included, in bytes.
const PATH: usize = 4096;

struct Walk<'f, 'a> {
    files: &'f [File<'a>],
    ordered: Vec<File<'a>>,
    seen: HashSet<&'a str>,
    /// Files that an include leaves out, with the reason.
    left_out: HashMap<&'a str, String>,
}

impl<'a> Walk<'_, 'a> {
    fn visit(&mut self, file: &File<'a>, includes: &HashMap<&str, Vec<File<'a>>>) {
        // A file that several include runs once, and one that includes itself ends here.
        let mut stack = vec![*file];
        while let Some(file) = stack.pop() {
            halt::work(halt::STEP);
            if !self.seen.insert(file.path) {
                continue;
            }
            match includes.get(file.path) {
                Some(includes) => stack.extend(includes.iter().rev()),
                None => self.ordered.push(file),
            }
        }
    }

    /// The files that a changelog includes, in order.
    fn includes(
        &mut self,
        master: &File<'a>,
        filter: &Filter,
        notes: &mut Notes,
    ) -> Result<Vec<File<'a>>, Problem> {
        let root = match Element::read(master) {
            Ok(root) => root.and_then(changelog),
            Err(problem) => {
                notes.refuse(problem);
                return Ok(Vec::new());
            }
        };
        let Some(root) = root else {
            let hint = "Take the file away, or leave it out by the option ignore.";
            notes.refuse(Problem::of(master.path, "it holds no databaseChangeLog", hint));
            return Ok(Vec::new());
        };
        let mut reading = Reading { master, filter, notes };
        reading.decides(&root, "the changelog");
        let mut found: Vec<File<'a>> = Vec::new();
        // Each runs once.
        let mut known = HashSet::new();
        let mut looked_at = 0;
        for element in &root.children {
            halt::work(halt::STEP);
            let is_folder = match element.name.as_str() {
                "include" => false,
                "includeAll" => true,
                _ => {
                    if !reading.other(element) {
                        break;
                    }
                    continue;
                }
            };
            let Some(path) = reading.path(element) else { continue };
            let mut all = self.resolve(master, path, is_folder);
            if let Some(end) = element.get("endsWithFilter") {
                let end = end.to_lowercase();
                all.retain(|file| file.path.to_lowercase().ends_with(&end));
            }
            let may_miss = ["errorIfMissing", "errorIfMissingOrEmpty"]
                .iter()
                .any(|name| element.get(name).is_some_and(|value| value == "false"));
            if all.is_empty() && !may_miss {
                let message = format!("it includes {path}, which is not in the folder");
                reading.refuse(element, message, "Load the folder that holds all changelogs.");
            }
            looked_at += 1 + all.len();
            if looked_at > MOST {
                let message = format!("it includes more than {MOST} files");
                return Err(Problem::beyond(master.path, message, "Include each file once."));
            }
            match reading.decides(element, "an include") {
                None => found.extend(all.into_iter().filter(|file| known.insert(file.path))),
                Some(why) => self.left_out.extend(all.iter().map(|f| (f.path, why.clone()))),
            }
        }
        Ok(found)
    }

    /// The files that are meant by a path, which may count from the changelog's folder, or
    /// from one above or below the folder that is read.
    fn resolve(&self, master: &File, path: &str, is_folder: bool) -> Vec<File<'a>> {
        let path = path.strip_prefix("classpath:").unwrap_or(path);
        let path = path.trim_start_matches("./").trim_matches('/');
        let folder = master.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let beside = super::super::sqitch::join(folder, path);
        let is_other = |file: &&File| file.path != master.path && is_changelog_or_sql(file);
        let mut ways = vec![beside, path.to_owned()];
        let mut rest = path;
        while let Some((_, shorter)) = rest.split_once('/') {
            ways.push(shorter.to_owned());
            rest = shorter;
        }
        // The files are sorted by their paths, so those of a folder follow one another.
        let found = |path: &String| -> Vec<File<'a>> {
            halt::work(path.len() + halt::STEP);
            if !is_folder {
                let at = self.files.binary_search_by_key(&path.as_str(), |file| file.path);
                return at.iter().map(|at| self.files[*at]).collect();
            }
            let prefix = if path.is_empty() { String::new() } else { format!("{path}/") };
            let from = self.files.partition_point(|file| file.path < prefix.as_str());
            let inside = self.files[from..].iter().take_while(|f| f.path.starts_with(&prefix));
            inside.filter(is_other).copied().collect()
        };
        let mut all = ways.iter().map(found);
        let first = all.find(|files| !files.is_empty());
        first.unwrap_or_else(|| {
            let suffix = format!("/{path}");
            let ends = |file: &&File| !is_folder && file.path.ends_with(&suffix);
            halt::work(self.files.len());
            self.files.iter().filter(ends).copied().collect()
        })
    }
}

fn is_changelog_or_sql(file: &File) -> bool {
    is_changelog(file) || file.path.to_ascii_lowercase().ends_with(".sql")
}

/// The element of the changelog, which YAML has within the document.
fn changelog(root: Element) -> Option<Element> {
    const NAME: &str = "databaseChangeLog";
    match root.name == NAME {
        true => Some(root),
        false => root.children.into_iter().find(|element| element.name == NAME),
    }
}

/// What an include may say, beside what decides whether it counts.
const KNOWN: [&str; 6] = [
    "file",
    "path",
    "relativeToChangelogFile",
    "errorIfMissing",
    "errorIfMissingOrEmpty",
    "endsWithFilter",
];

/// What a changelog may say that means nothing where all changesets are formatted SQL.
const HARMLESS: [&str; 4] =
    ["logicalFilePath", "changeLogId", "changelogId", "objectQuotingStrategy"];

/// The look at a changelog, which refuses what isn't honoured.
struct Reading<'f, 'a, 'n> {
    master: &'f File<'a>,
    filter: &'f Filter<'f>,
    notes: &'n mut Notes,
}

impl Reading<'_, '_, '_> {
    fn refuse(&mut self, element: &Element, message: String, hint: &str) {
        self.notes.refuse(Problem::at(self.master.path, element.line, message, hint));
    }

    /// Looks at an element that includes nothing, and says whether the rest is read, too.
    fn other(&mut self, element: &Element) -> bool {
        let (message, hint) = match element.name.as_str() {
            "changeSet" => {
                let message = "a changeset that is not written in SQL is not read";
                self.refuse(element, message.to_owned(), "Write it as formatted SQL.");
                // There may be thousands.
                return false;
            }
            "preConditions" => (
                "preconditions are not honoured".to_owned(),
                "Take them out, if the changes are to run on this database.",
            ),
            "property" => {
                let why = format!(
                    "the property of line {} is not set: placeholders are set for the project",
                    element.line
                );
                self.notes.ignore(self.master.path, why);
                return true;
            }
            name if HARMLESS.contains(&name) => return true,
            name => (
                format!("{name:?} in a changelog is not honoured"),
                "Take it out, if the changes are right without it.",
            ),
        };
        self.refuse(element, message, hint);
        true
    }

    /// The path that an element includes.
    fn path<'e>(&mut self, element: &'e Element) -> Option<&'e str> {
        let name = if element.name == "include" { "file" } else { "path" };
        let path = element.get(name).map(str::trim).filter(|path| !path.is_empty());
        if path.is_none() {
            let message = format!("the {} has no {name}", element.name);
            self.refuse(element, message, "Say what is to be included.");
        }
        path.filter(|path| path.len() <= PATH)
    }

    /// Looks at all that an element says, and gives the reason if what it includes does not
    /// run.
    fn decides(&mut self, element: &Element, what: &str) -> Option<String> {
        let mut reason = None;
        for (name, value) in &element.attributes {
            let is_root = element.name == "databaseChangeLog";
            match name.as_str() {
                "context" | "contextFilter" | "includeContext" => {
                    match self.filter.has_context(value) {
                        Some(true) => {}
                        Some(false) if !is_root => {
                            let why = format!("the contexts given do not fulfil {value}");
                            reason = Some(why);
                        }
                        _ => {
                            let message = format!("{name} of {what} is not honoured");
                            self.refuse(element, message, SAY_CONTEXTS);
                        }
                    }
                }
                "labels" | "includeLabels" => match self.filter.has_labels(value) {
                    Some(true) => {}
                    Some(false) if !is_root => {
                        reason = Some(format!("the labels given are not {value}"));
                    }
                    _ => {
                        let message = format!("{name} of {what} are not honoured");
                        self.refuse(element, message, SAY_LABELS);
                    }
                },
                "ignore" if value == "false" => {}
                "ignore" if value == "true" && !is_root => {
                    reason = Some("the changelog says ignore".to_owned());
                }
                name if is_root && HARMLESS.contains(&name) => {}
                name if !is_root && KNOWN.contains(&name) => {}
                name => {
                    let message = format!("{name:?} of {what} is not honoured");
                    let hint = "Take it out, if the changes are right without it.";
                    self.refuse(element, message, hint);
                }
            }
        }
        for inner in element.children.iter().filter(|_| element.name != "databaseChangeLog") {
            let message = format!("{:?} of {what} is not honoured", inner.name);
            let hint = "Take it out, if the changes are right without it.";
            self.refuse(inner, message, hint);
        }
        reason
    }
}

#[cfg(test)]
mod tests {
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
    fn refuses_what_is_not_read() {
        for (text, message) in [
            ("<changeSet id=\"1\"/>", "a changeset that is not written in SQL is not read"),
            ("<include file=\"z.sql\"/>", "it includes z.sql, which is not in the folder"),
            ("<include file=\"a.sql\" context=\"test\"/>", "context of an include is not honoured"),
            (
                "<includeAll path=\".\" resourceComparator=\"x.Y\"/>",
                "\"resourceComparator\" of an include is not honoured",
            ),
            (
                "<includeAll path=\".\" maxDepth=\"1\"/>",
                "\"maxDepth\" of an include is not honoured",
            ),
            (
                "<include file=\"a.sql\" logicalFilePath=\"x\"/>",
                "\"logicalFilePath\" of an include is not honoured",
            ),
            ("<include/>", "the include has no file"),
            ("<preConditions/>", "preconditions are not honoured"),
            (
                "<changeLogPropertyDefinedx/>",
                "\"changeLogPropertyDefinedx\" in a changelog is not honoured",
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
    fn reads_the_formats_as_they_are() {
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
    fn contexts_of_includes_count() {
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
    fn goes_by_paths_without_changelogs() {
        let (ordered, notes) =
            order_of(&[("b.SQL", ""), ("10.sql", ""), ("2.sql", ""), ("x.xml", "")]);
        assert_eq!(ordered, ["10.sql", "2.sql", "b.SQL"]);
        assert_eq!(notes, Notes::default());
    }
}
