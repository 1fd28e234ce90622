//! Changes of the registry.

use super::entrance::{Running, lock_project};
use crate::domain::checksum::{checksum, without_bom};
use crate::domain::convention::Part;
use crate::domain::version::Version;
use crate::error::{Error, Result};
use crate::pg::spi::View;
use crate::pg::transaction;
use crate::store::event::Event;
use crate::store::project::Project;
use crate::store::registry::{Content, Registered};
use crate::store::{Batch, Store};

/// What a registration did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The migration, or a part of it, is new.
    Added,
    /// It was registered like this before.
    Unchanged,
    /// Another content was registered before.
    Replaced,
}

impl Outcome {
    /// As add() and add_file() give it.
    pub fn word(self) -> &'static str {
        match self {
            Outcome::Added => "added",
            Outcome::Unchanged => "unchanged",
            Outcome::Replaced => "replaced",
        }
    }
}

/// Registers a migration. Errors: see [`Running::enter`] and [`lock_project`]; a version
/// with the same numbers is registered (23505); another content is, and `replace` wasn't
/// asked for (23505).
pub fn add(project: &str, version: &Version, content: Content, replace: bool) -> Result<Outcome> {
    change(project, version, |former| {
        let Some(former) = former else {
            return Ok(Some((content, Outcome::Added)));
        };
        let differs = former.content.differences(&content);
        decide(project, former, differs, content, replace)
    })
}

/// Registers a part of a migration: one of the files of a pair. Errors as for [`add`].
pub fn add_part(
    project: &str,
    version: &Version,
    name: &str,
    part: Part,
    text: String,
    replace: bool,
) -> Result<Outcome> {
    change(project, version, |former| {
        let Some(former) = former else {
            let mut content = Content { name: name.to_owned(), ..Content::default() };
            *content.part(part) = Some(text);
            return Ok(Some((content, Outcome::Added)));
        };
        let mut content = former.content.clone();
        // Files pair by version. The up's name is the migration's; until it comes, the
        // down's stands in for it.
        if part == Part::Up {
            content.name = name.to_owned();
        }
        let is_new = content.part(part).is_none();
        *content.part(part) = Some(text);
        let mut differs = former.content.differences(&content);
        if is_new {
            differs.retain(|what| *what != part.word() && (*what != "name" || part == Part::Down));
            if differs.is_empty() {
                return Ok(Some((content, Outcome::Added)));
            }
        }
        decide(project, former, differs, content, replace)
    })
}

fn decide(
    project: &str,
    former: &Registered,
    differs: Vec<&'static str>,
    content: Content,
    replace: bool,
) -> Result<Option<(Content, Outcome)>> {
    if differs.is_empty() {
        return Ok(None);
    }
    if !replace {
        let (version, project) = (former.version.clone(), project.to_owned());
        return Err(Error::AlreadyRegistered { version, project, differs });
    }
    Ok(Some((content, Outcome::Replaced)))
}

/// Looks up what is registered, lets `decision` choose the content that is to be, and
/// stores it with an event. None: it stays as it is.
fn change(
    project: &str,
    version: &Version,
    decision: impl FnOnce(Option<&Registered>) -> Result<Option<(Content, Outcome)>>,
) -> Result<Outcome> {
    let _running = Running::enter("migrations.add()")?;
    let started_at = transaction::now();
    let store = Store::find()?;
    let batch = store.open()?;
    let made = batch.project_or_new(project)?;
    let project = lock_project(&batch, &made)?;
    let former = batch.registered(project.id, version)?;
    if let Some(former) = &former
        && former.version != version.text()
    {
        return Err(Error::VersionClash {
            version: version.text().to_owned(),
            registered: former.version.clone(),
            project: project.name,
        });
    }
    let Some((content, outcome)) = decision(former.as_ref())? else {
        batch.close()?;
        return Ok(Outcome::Unchanged);
    };
    let content = content.normal();
    batch.put(project.id, version, &content)?;
    batch.registry_changed(&project)?;
    record(&batch, &project, version, &content, outcome, started_at)?;
    batch.close()?;
    Ok(outcome)
}

fn record(
    batch: &Batch,
    project: &Project,
    version: &Version,
    content: &Content,
    outcome: Outcome,
    started_at: i64,
) -> Result<()> {
    let sum = content.up.as_deref().map(checksum);
    batch.record(&Event {
        project: project.id,
        seq: batch.last_seq(project.id, View::Newest)? + 1,
        run: None,
        version: version.text(),
        name: &content.name,
        action: if outcome == Outcome::Added { "add" } else { "replace" },
        started_at,
        duration: None,
        checksum: sum.as_ref().map(|sum| sum.as_slice()),
    })
}

impl Content {
    fn part(&mut self, part: Part) -> &mut Option<String> {
        match part {
            Part::Up => &mut self.up,
            Part::Down => &mut self.down,
        }
    }

    /// Texts as they are stored: without byte order mark.
    fn normal(mut self) -> Content {
        for text in [&mut self.up, &mut self.down, &mut self.precondition, &mut self.verify] {
            if let Some(body) = text
                && without_bom(body).len() != body.len()
            {
                *body = without_bom(body).to_owned();
            }
        }
        self
    }
}
