//! Changelogs in XML, YAML and JSON, as far as they say in which order files run.

use super::super::super::halt;
use super::super::section::holds;
use super::super::{File, Notes, Problem};
use super::attributes::{SAY_CONTEXTS, SAY_LABELS};
use super::filter::Filter;
use std::collections::{HashMap, HashSet};

/// Whether a file is a changelog that isn't SQL.
pub fn is_changelog(file: &File) -> bool {
    let path = file.path.to_ascii_lowercase();
    [".xml", ".yaml", ".yml", ".json"].iter().any(|ending| path.ends_with(ending))
        && holds(file.text, "databaseChangeLog")
}

/// The files of SQL in the order in which they run: as changelogs include them, and if there
/// are none, by their paths.
///
/// Errors: they include more than is read.
pub fn order<'a>(
    files: &[File<'a>],
    filter: &Filter,
    notes: &mut Notes,
) -> Result<Vec<File<'a>>, Problem> {
    let mut sorted = files.to_vec();
    sorted.sort_by_key(|file| file.path);
    let is_sql = |file: &&File| file.path.to_ascii_lowercase().ends_with(".sql");
    let masters: Vec<File> = sorted.iter().filter(|file| is_changelog(file)).copied().collect();
    if masters.is_empty() {
        return Ok(sorted.iter().filter(is_sql).copied().collect());
    }
    let mut walk = Walk { files: &sorted, ordered: Vec::new(), seen: HashSet::new() };
    let includes: HashMap<&str, Vec<File>> = masters
        .iter()
        .map(|master| Ok((master.path, walk.includes(master, filter, notes)?)))
        .collect::<Result<_, Problem>>()?;
    let included: HashSet<&str> = includes.values().flatten().map(|file| file.path).collect();
    // Those that no other one includes are where Liquibase begins.
    for master in &masters {
        notes.pass_over(master.path, "it is read for the order of its includes alone");
    }
    let roots: Vec<&File> =
        masters.iter().filter(|master| !included.contains(master.path)).collect();
    if let [one, other, ..] = roots[..] {
        let message = format!("{} and {} both begin a set of changelogs", one.path, other.path);
        let hint = "Load the folder of one of them, or leave one of them out.";
        notes.refuse(Problem::of(other.path, message, hint));
    }
    for root in roots {
        walk.visit(root, &includes);
    }
    let ordered = walk.ordered;
    let run: HashSet<&str> = ordered.iter().map(|file| file.path).collect();
    for file in sorted.iter().filter(is_sql).filter(|file| !run.contains(file.path)) {
        notes.pass_over(file.path, "no changelog includes it");
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
        &self,
        master: &File<'a>,
        filter: &Filter,
        notes: &mut Notes,
    ) -> Result<Vec<File<'a>>, Problem> {
        let mut found: Vec<File<'a>> = Vec::new();
        // Each runs once.
        let mut known = HashSet::new();
        let mut looked_at = 0;
        let text = without_comments(master);
        let mut words = Words { rest: &text };
        let mut wanted = "";
        let is_all = |given: Option<&str>| given.is_some_and(|given| given.trim() == "*");
        let mut refuse = |message: String, hint: &str| {
            notes.refuse(Problem::of(master.path, message, hint));
        };
        while let Some(word) = words.next() {
            halt::work(word.len() + halt::STEP);
            match word {
                "include" => wanted = "file",
                "includeAll" => wanted = "path",
                "property" => wanted = "",
                "changeSet" => {
                    refuse(
                        "a changeset that is not written in SQL is not read".to_owned(),
                        "Write it as formatted SQL.",
                    );
                    return Ok(found);
                }
                "preConditions" => refuse(
                    "preconditions are not honoured".to_owned(),
                    "Take them out, if the changes are to run on this database.",
                ),
                "context" | "contextFilter" if !is_all(filter.contexts) && !wanted.is_empty() => {
                    refuse(format!("{word} of an include is not honoured"), SAY_CONTEXTS);
                }
                "labels" if !is_all(filter.labels) && !wanted.is_empty() => {
                    refuse("labels of an include are not honoured".to_owned(), SAY_LABELS);
                }
                word if !word.is_empty() && word == wanted => {
                    let Some(path) = words.value().filter(|path| path.len() <= PATH) else {
                        continue;
                    };
                    let all = self.resolve(master, path, wanted == "path");
                    if all.is_empty() {
                        refuse(
                            format!("it includes {path}, which is not in the folder"),
                            "Load the folder that holds all changelogs.",
                        );
                    }
                    looked_at += 1 + all.len();
                    if looked_at > MOST {
                        let message = format!("it includes more than {MOST} files");
                        let hint = "Include each file once.";
                        return Err(Problem::beyond(master.path, message, hint));
                    }
                    found.extend(all.into_iter().filter(|file| known.insert(file.path)));
                }
                _ => {}
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

/// The text without comments of XML or YAML.
fn without_comments(file: &File) -> String {
    if file.path.to_ascii_lowercase().ends_with(".xml") {
        let mut text = String::new();
        for (n, part) in file.text.split("<!--").enumerate() {
            let rest =
                if n == 0 { Some(part) } else { part.split_once("-->").map(|(_, rest)| rest) };
            text.push_str(rest.unwrap_or_default());
        }
        return text;
    }
    let lines = file.text.lines().filter(|line| !line.trim_start().starts_with('#'));
    lines.collect::<Vec<_>>().join("\n")
}

/// Names and values of any of the three formats.
struct Words<'t> {
    rest: &'t str,
}

/// What stands between words.
const BETWEEN: &[char] =
    &[' ', '\t', '\r', '\n', '"', '\'', '{', '}', '[', ']', '<', '>', '=', ',', ':', '/'];

impl<'t> Words<'t> {
    /// The value of the name that was the last word: between quotes, or up to the end of
    /// what can belong to it.
    fn value(&mut self) -> Option<&'t str> {
        // Behind a name in quotes, JSON has the closing one.
        let rest = self.rest.strip_prefix(['"', '\'']).unwrap_or(self.rest);
        let rest = rest.trim_start_matches([' ', '\t', ':', '=']);
        let (value, rest) = match rest.chars().next().filter(|c| matches!(c, '"' | '\'')) {
            Some(quote) => rest.get(1..)?.split_once(quote)?,
            None => {
                let end = rest.find(['\r', '\n', '}', ',', '#']).unwrap_or(rest.len());
                rest.split_at(end)
            }
        };
        self.rest = rest;
        Some(value.trim()).filter(|value| !value.is_empty())
    }
}

impl<'t> Iterator for Words<'t> {
    type Item = &'t str;

    fn next(&mut self) -> Option<&'t str> {
        // A closing tag isn't the word of the tag that it closes.
        let closes = |text: &str| text.ends_with("</");
        let start = self.rest.find(|c| !BETWEEN.contains(&c))?;
        let is_closing = closes(self.rest.get(..start)?);
        let rest = self.rest.get(start..)?;
        let (word, rest) = rest.split_at(rest.find(BETWEEN).unwrap_or(rest.len()));
        self.rest = rest;
        Some(if is_closing { "" } else { word })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order_of(files: &[(&str, &str)]) -> (Vec<String>, Notes) {
        let files: Vec<File> = files.iter().map(|(path, text)| File { path, text }).collect();
        let mut notes = Notes::default();
        let ordered = order(&files, &Filter::default(), &mut notes).unwrap_or_default();
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
            let passed_over: Vec<&str> =
                notes.passed_over.iter().map(|(p, _)| p.as_str()).collect();
            assert_eq!(passed_over, [name, "changes/a.sql"]);
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
                "<databaseChangeLog><include file=\"v2/y.sql\"/><include file=\"v1/log.yml\"/><include file=\"db/v2/y.sql\"/>",
            ),
        ]);
        assert_eq!(ordered, ["db/v2/y.sql", "db/v1/x.sql"]);
        assert_eq!(notes.problems, []);
    }

    #[test]
    fn refuses_what_is_not_read() {
        for (text, message) in [
            (
                "<databaseChangeLog><changeSet id=\"1\">",
                "a changeset that is not written in SQL is not read",
            ),
            (
                "<databaseChangeLog><include file=\"z.sql\"/>",
                "it includes z.sql, which is not in the folder",
            ),
            (
                "<databaseChangeLog><include file=\"a.sql\" context=\"test\"/>",
                "context of an include is not honoured",
            ),
            ("<databaseChangeLog><preConditions/>", "preconditions are not honoured"),
        ] {
            let (_, notes) = order_of(&[("a.sql", ""), ("m.xml", text)]);
            let messages: Vec<&str> = notes.problems.iter().map(|p| p.message.as_str()).collect();
            assert_eq!(messages, [message], "{text}");
        }
        let other = "<databaseChangeLog>";
        let (_, notes) = order_of(&[("a.xml", other), ("b.xml", other)]);
        assert_eq!(notes.problems.len(), 1);
    }

    #[test]
    fn goes_by_paths_without_changelogs() {
        let (ordered, notes) =
            order_of(&[("b.SQL", ""), ("10.sql", ""), ("2.sql", ""), ("x.xml", "")]);
        assert_eq!(ordered, ["10.sql", "2.sql", "b.SQL"]);
        assert_eq!(notes, Notes::default());
    }
}
