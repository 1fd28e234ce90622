//! Changes of the registry.

use super::entrance::{Running, lock_project};
use super::plan::unknown;
use super::{check, report};
use crate::domain::checksum::{checksum, without_bom};
use crate::domain::convention::Found;
use crate::domain::requirement::Requirement;
use crate::domain::room;
use crate::domain::script::origin::first_line;
use crate::domain::script::prepare::{Syntax, Variables};
use crate::domain::script::skip_blank;
use crate::domain::version::{Version, repeatable_key};
use crate::error::{Error, Result};
use crate::pg::context::Context;
use crate::pg::guc::Nest;
use crate::pg::parse;
use crate::pg::spi::View;
use crate::pg::{message, transaction};
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

    /// Of two migrations of one file.
    pub fn and(self, other: Outcome) -> Outcome {
        match (self, other) {
            (Outcome::Replaced, _) | (_, Outcome::Replaced) => Outcome::Replaced,
            (Outcome::Added, _) | (_, Outcome::Added) => Outcome::Added,
            _ => Outcome::Unchanged,
        }
    }
}

/// What was done with the parts of a migration.
#[derive(Debug, Clone, Copy)]
pub struct Done {
    /// With all of it.
    pub whole: Outcome,
    /// With the up, and what is said of the migration.
    pub up: Outcome,
    /// With the down.
    pub down: Outcome,
    /// With the script that must hold after.
    pub verify: Outcome,
}

impl Done {
    fn all(outcome: Outcome) -> Done {
        Done { whole: outcome, up: outcome, down: outcome, verify: outcome }
    }
}

/// Registers a migration. Errors: see [`Running::enter`] and [`lock_project`]; a version
/// with the same numbers is registered (23505); another content is, and `replace` wasn't
/// asked for (23505); it requires itself, or what isn't a requirement (22023).
pub fn add(project: &str, version: &Version, content: Content, replace: bool) -> Result<Outcome> {
    check_requires(project, Some(version), &content.requires)?;
    Registration::of("migrations.add()", project, |registration| {
        registration.put(Some(version), version.key(), |former| {
            let Some(former) = former else {
                return Ok(Some((content, Outcome::Added)));
            };
            let differs = former.content.differences(&content);
            decide(project, former, differs, content, replace)
        })
    })
}

/// Registers a repeatable migration, or what it is from now on. Errors: as for [`add`].
pub fn add_repeatable(project: &str, content: Content) -> Result<Outcome> {
    check_requires(project, None, &content.requires)?;
    Registration::of("migrations.add_repeatable()", project, |registration| {
        let key = repeatable_key(&content.name);
        registration.put(None, &key, |former| {
            let outcome = match former {
                None => Outcome::Added,
                Some(former) if former.content.differences(&content).is_empty() => {
                    return Ok(None);
                }
                Some(_) => Outcome::Replaced,
            };
            Ok(Some((content, outcome)))
        })
    })
}

/// That requirements can be read. Errors: it requires itself, or what isn't one (22023).
pub(super) fn check_requires(
    project: &str,
    version: Option<&Version>,
    requires: &[String],
) -> Result<()> {
    for text in requires {
        match Requirement::parse(text, project) {
            Ok(Requirement::Within(required))
                if version.is_some_and(|version| version.key() == required.key()) =>
            {
                return Err(Error::InvalidArgument {
                    message: format!("migration {text} cannot require itself"),
                    hint: "Leave it out of requires.".to_owned(),
                });
            }
            Ok(_) => {}
            Err(why) => return Err(Error::InvalidRequirement { text: text.clone(), why }),
        }
    }
    Ok(())
}

/// What becomes of a migration that is registered already. Error: it differs, and isn't
/// to be replaced (23505).
pub(super) fn decide(
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
        let version = former.version.clone().unwrap_or_default();
        return Err(Error::AlreadyRegistered { version, project: project.to_owned(), differs });
    }
    Ok(Some((content, Outcome::Replaced)))
}

/// What can't be honoured in a text is told when it is registered, not when it runs.
/// Errors: a command of psql's, or something behind a COPY (0A000).
fn check_scripts(version: Option<&str>, content: &Content, project: &Project) -> Result<()> {
    let none = Variables::default();
    let parts = [
        (report::Part::Up, &content.up),
        (report::Part::Down, &content.down),
        (report::Part::Precondition, &content.precondition),
        (report::Part::Verify, &content.verify),
    ];
    let nest = Nest::with(&check::parser_settings(project))?;
    let conforming = parse::conforming_strings();
    nest.undo()?;
    for (part, script) in parts {
        if let Some(script) = script {
            let label = report::label(part, version, &content.name, &project.name);
            Context::new(&label, without_bom(script), &none).prepare(conforming)?;
        }
    }
    Ok(())
}

/// Changes of the registry of a locked project.
pub struct Registration<'a> {
    batch: Batch<'a>,
    project: Project,
    started_at: i64,
}

impl Registration<'_> {
    /// Does work on the registry of a project, which is made if there is none. Errors: see
    /// [`Running::enter`] and [`lock_project`].
    pub fn of<T>(
        call: &'static str,
        project: &str,
        work: impl FnOnce(&mut Registration) -> Result<T>,
    ) -> Result<T> {
        let _running = Running::enter(call)?;
        let started_at = transaction::now();
        let store = Store::find()?;
        let batch = store.open()?;
        let made = batch.project_or_new(project)?;
        let project = lock_project(&batch, &made)?;
        let mut registration = Registration { batch, project, started_at };
        let done = work(&mut registration)?;
        registration.batch.close()?;
        Ok(done)
    }

    /// Whether the project's texts have placeholders that are expanded.
    pub fn expands_placeholders(&self) -> bool {
        self.project.variables.syntax != Syntax::None
    }

    /// Registers what files tell of a migration; what they don't tell stays as it is.
    /// Errors: another content is registered, and `replace` wasn't asked for, or a version
    /// with the same numbers (23505); it requires what it can't, or runs when it can't
    /// (22023).
    pub fn put_found(&mut self, found: Found, replace: bool) -> Result<Done> {
        let project = self.project.name.clone();
        let Some(text) = &found.version else {
            check_requires(&project, None, &found.requires)?;
            let key = repeatable_key(&found.name);
            let outcome = self.put(None, &key, |former| {
                let content = match former {
                    None => return Ok(Some((first(found), Outcome::Added))),
                    Some(former) => merged(&former.content, found),
                };
                let differs = former.is_some_and(|f| !f.content.differences(&content).is_empty());
                Ok(differs.then_some((content, Outcome::Replaced)))
            })?;
            return Ok(Done::all(outcome));
        };
        let version = Version::parse(text)
            .map_err(|why| Error::InvalidVersion { version: text.clone(), why })?;
        check_requires(&project, Some(&version), &found.requires)?;
        let is_applied = !found.requires.is_empty()
            && self
                .batch
                .find(self.project.id, version.key(), View::Newest)?
                .is_some_and(|(_, is_applied)| is_applied);
        let mut done = Done::all(Outcome::Added);
        done.whole = self.put(Some(&version), version.key(), |former| {
            let Some(former) = former else {
                return Ok(Some((first(found), Outcome::Added)));
            };
            let before = &former.content;
            let content = merged(before, found);
            let is_new =
                |before: &Option<String>, now: &Option<String>| before.is_none() && now.is_some();
            let new_up = is_new(&before.up, &content.up);
            let new_down = is_new(&before.down, &content.down);
            let new_verify = is_new(&before.verify, &content.verify);
            // What is new is no difference. With the up comes what is said of all: until
            // then a down's name stands in for the migration's.
            let mut differs = before.differences(&content);
            differs.retain(|what| match *what {
                "down" => !new_down,
                "verify" => !new_verify,
                _ => !new_up,
            });
            let outcome = |is_new: bool, differs: bool| match (is_new, differs) {
                (true, _) => Outcome::Added,
                (_, true) => Outcome::Replaced,
                _ => Outcome::Unchanged,
            };
            let of = |part: &str| differs.contains(&part);
            done.down = outcome(new_down, of("down"));
            done.verify = outcome(new_verify, of("verify"));
            done.up =
                outcome(new_up, differs.iter().any(|what| !["down", "verify"].contains(what)));
            if differs.is_empty() && !(new_up || new_down || new_verify) && moved(before, &content)
            {
                return Ok(Some((content, Outcome::Unchanged)));
            }
            if differs.is_empty() && (new_up || new_down || new_verify) {
                return Ok(Some((content, Outcome::Added)));
            }
            // Files of other migrations tell anew what this one requires. That is no part of
            // its text, and counts until it is applied.
            if differs == ["requires"] && !replace {
                done = Done::all(if is_applied { Outcome::Unchanged } else { Outcome::Replaced });
                return Ok((!is_applied).then_some((content, Outcome::Replaced)));
            }
            decide(&project, former, differs, content, replace)
        })?;
        Ok(done)
    }

    /// Looks up what is registered, lets `decision` choose the content that is to be, and
    /// stores it with an event. None: it stays as it is.
    pub(super) fn put(
        &mut self,
        version: Option<&Version>,
        key: &[u8],
        decision: impl FnOnce(Option<&Registered>) -> Result<Option<(Content, Outcome)>>,
    ) -> Result<Outcome> {
        let Registration { batch, project, started_at } = self;
        let former = batch.registered(project.id, key)?;
        let version = version.map(Version::text);
        if let (Some(version), Some(Registered { version: Some(former), .. })) = (version, &former)
            && version != former
        {
            return Err(Error::VersionClash {
                version: version.to_owned(),
                registered: former.clone(),
                project: project.name.clone(),
            });
        }
        let Some((content, outcome)) = decision(former.as_ref())? else {
            return Ok(Outcome::Unchanged);
        };
        let content = content.normal();
        if outcome == Outcome::Unchanged {
            // The same texts, elsewhere in their file.
            let sum = content.up.as_deref().map(checksum);
            let sum = sum.as_ref().map(|sum| sum.as_slice());
            batch.put(project.id, version, key, content, sum)?;
            return Ok(outcome);
        }
        check_scripts(version, &content, project)?;
        if content.up.as_deref().is_some_and(|up| skip_blank(up, 0) == up.len()) {
            let title = report::title(version, &content.name);
            message::warning(&format!("the text of {title} holds no statement"));
        }
        let sum = |content: &Content| content.up.as_deref().map(checksum);
        let (new, replaced) = (sum(&content), former.and_then(|former| sum(&former.content)));
        let new = new.as_ref().map(|sum| sum.as_slice());
        let name = content.name.clone();
        batch.put(project.id, version, key, content, new)?;
        batch.registry_changed(project)?;
        // What is complete has become incomplete; one note of that is enough.
        project.applied_generation = -1;
        batch.record(&Event {
            project: project.id,
            seq: batch.last_seq(project.id, View::Newest)? + 1,
            version,
            name: Some(&name),
            action: if outcome == Outcome::Added { "add" } else { "replace" },
            started_at: *started_at,
            checksum: new,
            former_checksum: replaced.as_ref().map(|sum| sum.as_slice()),
            ..Event::default()
        })?;
        Ok(outcome)
    }
}

/// Takes a migration that isn't applied out of the registry. Errors: see
/// [`Running::enter`] and [`lock_project`]; unknown project or version (42704); it is
/// applied (55000), or required by another one (2BP01).
pub fn remove(project: &str, version: &Version, reason: Option<&str>) -> Result<()> {
    unregister("migrations.remove()", project, version.key(), reason, |batch, project| {
        match batch.find(project.id, version.key(), View::Newest)? {
            None => return Err(unknown(version, &project.name)),
            Some((version, true)) => {
                return Err(Error::StillApplied { version, project: project.name.clone() });
            }
            Some((_, false)) => {}
        }
        let mut dependents = batch.dependents(&project.name, View::Newest)?;
        dependents.retain(|dependent| dependent.requires == version.key());
        let by: Vec<String> = dependents.iter().map(|d| d.title(&project.name)).collect();
        if !by.is_empty() {
            let (version, project) = (version.text().to_owned(), project.name.clone());
            return Err(Error::Required { verb: "remove", version, project, by });
        }
        Ok(())
    })
}

/// Takes a repeatable migration out of the registry, and out of the applied state: what it
/// made stays. Errors: see [`Running::enter`] and [`lock_project`]; unknown project or name
/// (42704).
pub fn remove_repeatable(project: &str, name: &str, reason: Option<&str>) -> Result<()> {
    let key = repeatable_key(name);
    unregister("migrations.remove_repeatable()", project, &key, reason, |batch, project| {
        let applied = batch.applied_row(project.id, &key)?;
        if let Some(row) = applied {
            batch.unclaim(row)?;
        } else if batch.registered(project.id, &key)?.is_none() {
            let (name, project) = (name.to_owned(), project.name.clone());
            return Err(Error::UnknownRepeatable { name, project });
        }
        Ok(())
    })
}

fn unregister(
    call: &'static str,
    name: &str,
    key: &[u8],
    reason: Option<&str>,
    check: impl FnOnce(&Batch, &Project) -> Result<()>,
) -> Result<()> {
    let _running = Running::enter(call)?;
    let store = Store::find()?;
    let batch = store.open()?;
    let Some(found) = batch.project(name, View::Newest)? else {
        return Err(Error::UnknownProject { project: name.to_owned(), known: batch.projects()? });
    };
    let project = lock_project(&batch, &found)?;
    check(&batch, &project)?;
    if let Some(under_way) = batch.under_way(project.id, View::Newest)?.remove(key) {
        let registered = batch.registered(project.id, key)?;
        let migration = registered.map(|r| r.version.unwrap_or(r.content.name));
        return Err(Error::UnderWay {
            migration: migration.unwrap_or_default(),
            project: project.name,
            done: under_way.done,
            direction: under_way.direction,
        });
    }
    if let Some(Registered { version, content }) = batch.registered(project.id, key)? {
        batch.forget_failure(project.id, key)?;
        batch.forget_journal(project.id, key)?;
        batch.unregister(project.id, key)?;
        let sum = content.up.as_deref().map(checksum);
        batch.record(&Event {
            project: project.id,
            seq: batch.last_seq(project.id, View::Newest)? + 1,
            version: version.as_deref(),
            name: Some(&content.name),
            action: "remove",
            started_at: transaction::now(),
            checksum: sum.as_ref().map(|sum| sum.as_slice()),
            reason,
            ..Event::default()
        })?;
    }
    batch.note_completeness(&project)?;
    batch.close()
}

/// What files tell of a migration that isn't registered.
fn first(found: Found) -> Content {
    Content {
        name: found.name,
        up: found.up,
        down: found.down,
        requires: found.requires,
        verify: found.verify,
        transactional: found.transactional,
        moment: found.moment,
        ..Content::default()
    }
}

/// Whether texts begin at other lines of their files than before.
fn moved(before: &Content, now: &Content) -> bool {
    let lines = |content: &Content| {
        [&content.up, &content.down, &content.verify].map(|text| text.as_deref().map(first_line))
    };
    lines(before) != lines(now)
}

/// What is registered of a migration, with what files tell of it. The name is that of the
/// up. What they say beside the texts goes with the up: with another up, what was said of
/// the former one is void.
fn merged(before: &Content, found: Found) -> Content {
    let parts =
        [(&found.up, &before.up), (&found.down, &before.down), (&found.verify, &before.verify)];
    // What is replaced needn't be copied.
    let [up, down, verify] = parts.map(|(found, before)| match found {
        Some(_) => None,
        None => before.as_deref().map(room::owned),
    });
    let mut content = Content {
        name: before.name.clone(),
        up,
        down,
        requires: before.requires.clone(),
        precondition: before.precondition.as_deref().map(room::owned),
        verify,
        transactional: before.transactional,
        on_fail: before.on_fail.clone(),
        moment: before.moment,
    };
    if let Some(up) = found.up {
        let is_other = before.up.as_deref().map(checksum) != Some(checksum(&up));
        if is_other || found.transactional.is_some() {
            content.transactional = found.transactional;
        }
        content.name = found.name;
        content.moment = found.moment;
        content.up = Some(up);
    }
    if !found.requires.is_empty() {
        content.requires = found.requires;
    }
    content.down = found.down.or(content.down);
    content.verify = found.verify.or(content.verify);
    content
}

impl Content {
    /// Texts as they are stored: without byte order mark.
    fn normal(mut self) -> Content {
        for text in [&mut self.up, &mut self.down, &mut self.precondition, &mut self.verify] {
            if let Some(body) = text
                && without_bom(body).len() != body.len()
            {
                *body = room::owned(without_bom(body));
            }
        }
        self
    }
}
