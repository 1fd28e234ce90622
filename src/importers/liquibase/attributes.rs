//! The line that begins a changeset: author, id, and attributes.

use super::filter::{Filter, is_deep, too_deep};
use crate::domain::halt;

/// The content of a line that begins a changeset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The author.
    pub author: String,
    /// The id, which is unique for the author and the file.
    pub id: String,
    attributes: Vec<(String, String)>,
}

/// Why a changeset cannot be imported as it is: message and HINT.
pub type Refusal = (String, &'static str);

/// The HINT for missing contexts.
pub const SPECIFY_CONTEXTS: &str = "Specify the contexts of this database: options => '{\"contexts\": \"prod\"}', or * for all changesets.";
/// The HINT for missing labels.
pub const SPECIFY_LABELS: &str =
    "Specify the labels to run: options => '{\"labels\": \"v1 or v2\"}', or * for all changesets.";

/// Parses the text after the word `changeset`. None: it does not begin with `author:id`.
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

/// The words of the form `name:value`, where a value with spaces is quoted. Liquibase ignores other
/// words.
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

    /// Whether an attribute is given, and true.
    pub fn is_true(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// Whether an attribute is given, and not true.
    pub fn is_false(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| !value.eq_ignore_ascii_case("true"))
    }

    /// The path that is used instead of the file's own.
    pub fn logical_path(&self) -> Option<&str> {
        self.get("logicalFilePath")
    }

    /// The delimiters of statements in the SQL that applies it, and in that of the rollback.
    pub fn delimiters(&self) -> [Option<&str>; 2] {
        [self.get("endDelimiter"), self.get("rollbackEndDelimiter")]
    }

    /// The reason why it is not run on PostgreSQL, or with these contexts and labels.
    pub fn reason_to_skip(&self, filter: &Filter) -> Option<String> {
        if self.is_true("ignore") {
            return Some("it has ignore:true".to_owned());
        }
        if let Some(dbms) = self.get("dbms").filter(|dbms| !is_for_postgres(dbms)) {
            return Some(format!("it has dbms:{dbms}"));
        }
        // It is refused.
        if self.too_deep().next().is_some() {
            return None;
        }
        let is_out = |(_, value): &(_, &str), runs: Option<bool>| {
            (runs == Some(false)).then(|| value.to_string())
        };
        let context = self.context().and_then(|it| is_out(&it, filter.has_context(it.1)));
        let labels = self.labels().and_then(|it| is_out(&it, filter.has_labels(it.1)));
        context
            .map(|context| format!("the given contexts do not match {context}"))
            .or_else(|| labels.map(|labels| format!("the given labels do not match {labels}")))
    }

    /// The expression of its contexts, with the name of the attribute.
    fn context(&self) -> Option<(&'static str, &str)> {
        ["contextFilter", "context"].into_iter().find_map(|name| Some((name, self.get(name)?)))
    }

    /// The names of expressions that are nested too deep.
    fn too_deep(&self) -> impl Iterator<Item = &'static str> {
        let expressions = [self.context(), self.labels()].into_iter().flatten();
        expressions.filter(|(_, value)| is_deep(value)).map(|(name, _)| name)
    }

    fn labels(&self) -> Option<(&'static str, &str)> {
        Some(("labels", self.get("labels")?))
    }

    /// The attributes that are not supported, or cannot be evaluated.
    pub fn refusals(&self, filter: &Filter) -> Vec<Refusal> {
        let mut refusals = Vec::new();
        if let Some((name, value)) = self.context().filter(|_| filter.contexts.is_none()) {
            refusals.push((not_given(name, value, "contexts"), SPECIFY_CONTEXTS));
        }
        if let Some((name, value)) = self.labels().filter(|_| filter.labels.is_none()) {
            refusals.push((not_given(name, value, "labels"), SPECIFY_LABELS));
        }
        for name in self.too_deep() {
            refusals.push((format!("{name}: {}", too_deep()), "Write it with less nesting."));
        }
        if self.is_false("failOnError") {
            refusals.push((
                "failOnError:false is not supported".to_owned(),
                "Remove it, and write statements that succeed, such as with IF EXISTS.",
            ));
        }
        match self.get("runWith") {
            Some(with) if !["psql", "jdbc"].iter().any(|name| with.eq_ignore_ascii_case(name)) => {
                refusals.push((
                    format!("runWith:{with} is not supported"),
                    "Remove it, if the server can run the changeset itself.",
                ));
            }
            _ => {}
        }
        refusals
    }
}

/// The message for an attribute that depends on an option that is not given.
fn not_given(name: &str, value: &str, option: &str) -> String {
    format!("{name}:{value} cannot be evaluated without the option {option}")
}

/// Whether a list of databases includes PostgreSQL: by its name, or by excluding others only.
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
    fn recognises_changesets_for_postgres() {
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
    fn refuses_what_is_not_supported() {
        let refused = |text: &str| -> Vec<String> {
            let refusals = read(text).map(|head| head.refusals(&Filter::default()));
            let refusals = refusals.unwrap_or_default();
            refusals.into_iter().map(|(message, _)| message).collect()
        };
        assert_eq!(
            refused("a:1 context:test labels:x contextFilter:!y failOnError:false runWith:sqlplus"),
            [
                "contextFilter:!y cannot be evaluated without the option contexts",
                "labels:x cannot be evaluated without the option labels",
                "failOnError:false is not supported",
                "runWith:sqlplus is not supported",
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
            Some("the given contexts do not match prod")
        );
        assert_eq!(skipped("a:1 labels:v2").as_deref(), Some("the given labels do not match v2"));
        assert_eq!(skipped("a:1 labels:v2,v1 context:!prod"), None);
        let head = read("a:1 labels:v2,v1 context:!prod");
        assert_eq!(head.map(|head| head.refusals(&filter)), Some(Vec::new()));
        assert_eq!(skipped("a:1 ignore:true").as_deref(), Some("it has ignore:true"));
        assert_eq!(skipped("a:1 dbms:h2").as_deref(), Some("it has dbms:h2"));
        assert_eq!(skipped("a:1 dbms:postgresql ignore:false"), None);
    }
}
