//! The line that begins a changeset: its author, its id, and what is said of it.

use super::filter::{Filter, is_deep, too_deep};
use crate::domain::halt;

/// What a line that begins a changeset says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Who wrote the changeset.
    pub author: String,
    /// Its id among those of the author, in the file.
    pub id: String,
    attributes: Vec<(String, String)>,
}

/// Why a changeset can't be taken as it is: message and hint.
pub type Refusal = (String, &'static str);

/// How contexts are said.
pub const SAY_CONTEXTS: &str = "Say the contexts of this database: options => '{\"contexts\": \"prod\"}', or * for all changesets.";
/// How labels are said.
pub const SAY_LABELS: &str = "Say which labels are to run: options => '{\"labels\": \"v1 or v2\"}', or * for all changesets.";

/// Reads what stands behind the word `changeset`. None: it isn't `author:id`.
pub fn read(text: &str) -> Option<Head> {
    let (author, rest) = match text.strip_prefix('"').and_then(|rest| rest.split_once('"')) {
        Some((author, rest)) => (author, rest.strip_prefix(':')?),
        None => text.split_once(':')?,
    };
    let (id, rest) = match rest.strip_prefix('"').and_then(|rest| rest.split_once('"')) {
        Some(parts) => parts,
        None => rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len())),
    };
    let (author, id) = (author.trim(), id.trim());
    let is_named = !author.is_empty() && !id.trim_matches(':').trim().is_empty();
    is_named.then(|| Head {
        author: author.to_owned(),
        id: id.to_owned(),
        attributes: attributes(rest),
    })
}

/// Words of the form `name:value`, where quotes hold a value together. Liquibase takes
/// others for no more than words.
pub fn attributes(text: &str) -> Vec<(String, String)> {
    let mut words: Vec<String> = vec![String::new()];
    let mut quoted = false;
    for c in text.chars() {
        halt::work(1);
        match c {
            '"' => quoted = !quoted,
            c if c.is_whitespace() && !quoted => words.push(String::new()),
            c => {
                if let Some(word) = words.last_mut() {
                    word.push(c);
                }
            }
        }
    }
    let pair = |word: &String| {
        let (name, value) = word.split_once(':')?;
        (!value.is_empty()).then(|| (name.to_ascii_lowercase(), value.trim().to_owned()))
    };
    words.iter().filter_map(pair).collect()
}

impl Head {
    fn get(&self, name: &str) -> Option<&str> {
        let found =
            self.attributes.iter().rev().find(|(given, _)| given.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// Whether an attribute is there and says true.
    pub fn is_true(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// Whether an attribute is there and says something else than true.
    pub fn is_false(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| !value.eq_ignore_ascii_case("true"))
    }

    /// The path that stands for the file's own.
    pub fn logical_path(&self) -> Option<&str> {
        self.get("logicalFilePath")
    }

    /// What ends a statement in its texts, and in those that take it back, if that is said.
    pub fn delimiters(&self) -> [Option<&str>; 2] {
        [self.get("endDelimiter"), self.get("rollbackEndDelimiter")]
    }

    /// Why it isn't run at all, on PostgreSQL or in this run.
    pub fn reason_to_skip(&self, filter: &Filter) -> Option<String> {
        if self.is_true("ignore") {
            return Some("it says ignore:true".to_owned());
        }
        if let Some(dbms) = self.get("dbms").filter(|dbms| !is_for_postgres(dbms)) {
            return Some(format!("it says dbms:{dbms}"));
        }
        // That is refused.
        if self.too_deep().next().is_some() {
            return None;
        }
        let is_out = |(_, value): &(_, &str), runs: Option<bool>| {
            (runs == Some(false)).then(|| value.to_string())
        };
        let context = self.context().and_then(|it| is_out(&it, filter.has_context(it.1)));
        let labels = self.labels().and_then(|it| is_out(&it, filter.has_labels(it.1)));
        context
            .map(|context| format!("the contexts given do not fulfil {context}"))
            .or_else(|| labels.map(|labels| format!("the labels given are not {labels}")))
    }

    /// The expression of its contexts, by which name it has it.
    fn context(&self) -> Option<(&'static str, &str)> {
        ["contextFilter", "context"].into_iter().find_map(|name| Some((name, self.get(name)?)))
    }

    /// The names of what is deeper than is read.
    fn too_deep(&self) -> impl Iterator<Item = &'static str> {
        let said = [self.context(), self.labels()].into_iter().flatten();
        said.filter(|(_, value)| is_deep(value)).map(|(name, _)| name)
    }

    fn labels(&self) -> Option<(&'static str, &str)> {
        Some(("labels", self.get("labels")?))
    }

    /// What it says that isn't honoured.
    pub fn refusals(&self, filter: &Filter) -> Vec<Refusal> {
        let mut refusals = Vec::new();
        if let Some((name, value)) = self.context().filter(|_| filter.contexts.is_none()) {
            refusals.push((format!("whether {name}:{value} is to run is not said"), SAY_CONTEXTS));
        }
        if let Some((name, value)) = self.labels().filter(|_| filter.labels.is_none()) {
            refusals.push((format!("whether {name}:{value} is to run is not said"), SAY_LABELS));
        }
        for name in self.too_deep() {
            refusals.push((format!("{name}: {}", too_deep()), "Write it with fewer of them."));
        }
        if self.is_false("failOnError") {
            refusals.push((
                "failOnError:false is not honoured".to_owned(),
                "Take it out, and make the statements such that they succeed, as with IF EXISTS.",
            ));
        }
        match self.get("runWith") {
            Some(with) if !["psql", "jdbc"].iter().any(|name| with.eq_ignore_ascii_case(name)) => {
                refusals.push((
                    format!("runWith:{with} is not honoured"),
                    "Take it out, if the server can run the changeset itself.",
                ));
            }
            _ => {}
        }
        refusals
    }
}

/// Whether a list of databases means PostgreSQL, too: one that is in it, or not excluded
/// where others are.
fn is_for_postgres(list: &str) -> bool {
    let list: Vec<String> = list.split(',').map(|name| name.trim().to_ascii_lowercase()).collect();
    let has = |name: &str| list.iter().any(|given| given == name);
    if has("all") {
        return true;
    }
    !has("none")
        && !has("!postgresql")
        && (has("postgresql") || list.iter().all(|name| name.is_empty() || name.starts_with('!')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_authors_and_ids() {
        for (text, expected) in [
            ("bob:1", Some(("bob", "1"))),
            ("bob smith:create-users runOnChange:true", Some(("bob smith", "create-users"))),
            ("bob@x.org:20240131:1", Some(("bob@x.org", "20240131:1"))),
            ("\"a:b\":\"c d\" dbms:h2", Some(("a:b", "c d"))),
            ("bob:1\tx", Some(("bob", "1"))),
            ("bob: 1", None),
            ("bob", None),
            (":1", None),
            ("bob:", None),
            ("bob::", None),
        ] {
            let head = read(text);
            let read = head.as_ref().map(|head| (head.author.as_str(), head.id.as_str()));
            assert_eq!(read, expected, "{text}");
        }
    }

    #[test]
    fn reads_attributes() {
        let head = read(
            "a:1 runOnChange:TRUE splitstatements:false endDelimiter:\\nGO labels:\"x, y\" context: a note",
        );
        let get = |name: &str| head.as_ref().and_then(|head| head.get(name));
        assert_eq!(get("endDelimiter"), Some("\\nGO"));
        assert_eq!(get("labels"), Some("x, y"));
        assert_eq!(get("context"), None);
        let is = |name: &str| head.as_ref().map(|head| (head.is_true(name), head.is_false(name)));
        assert_eq!(is("runOnChange"), Some((true, false)));
        assert_eq!(is("splitStatements"), Some((false, true)));
        assert_eq!(is("runAlways"), Some((false, false)));
    }

    #[test]
    fn knows_what_is_for_postgres() {
        for (dbms, expected) in [
            ("postgresql", true),
            ("h2,PostgreSQL", true),
            ("all", true),
            ("!oracle,!h2", true),
            ("!oracle", true),
            ("h2", false),
            ("!postgresql", false),
            ("none", false),
            ("h2,!oracle", false),
        ] {
            assert_eq!(is_for_postgres(dbms), expected, "{dbms}");
        }
    }

    #[test]
    fn refuses_what_is_not_honoured() {
        let refused = |text: &str| -> Vec<String> {
            let refusals = read(text).map(|head| head.refusals(&Filter::default()));
            let refusals = refusals.unwrap_or_default();
            refusals.into_iter().map(|(message, _)| message).collect()
        };
        assert_eq!(
            refused("a:1 context:test labels:x contextFilter:!y failOnError:false runWith:sqlplus"),
            [
                "whether contextFilter:!y is to run is not said",
                "whether labels:x is to run is not said",
                "failOnError:false is not honoured",
                "runWith:sqlplus is not honoured",
            ]
        );
        assert_eq!(
            refused(
                "a:1 stripComments:false failOnError:true runWith:psql logicalFilePath:x some:thing"
            ),
            Vec::<String>::new()
        );
        let filter = Filter { contexts: Some("test"), labels: Some("v1") };
        let skipped = |text: &str| read(text).and_then(|head| head.reason_to_skip(&filter));
        assert_eq!(
            skipped("a:1 context:prod").as_deref(),
            Some("the contexts given do not fulfil prod")
        );
        assert_eq!(skipped("a:1 labels:v2").as_deref(), Some("the labels given are not v2"));
        assert_eq!(skipped("a:1 labels:v2,v1 context:!prod"), None);
        let head = read("a:1 labels:v2,v1 context:!prod");
        assert_eq!(head.map(|head| head.refusals(&filter)), Some(Vec::new()));
        assert_eq!(skipped("a:1 ignore:true").as_deref(), Some("it says ignore:true"));
        assert_eq!(skipped("a:1 dbms:h2").as_deref(), Some("it says dbms:h2"));
        assert_eq!(skipped("a:1 dbms:postgresql ignore:false"), None);
    }
}
