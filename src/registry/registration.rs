//! Changes of the registry.

use crate::domain::checksum::without_bom;
use crate::domain::requirement::{REPEATABLE, Requirement};
use crate::domain::room;
use crate::domain::script::origin::first_line;
use crate::domain::script::prepare::Variables;
use crate::domain::script::skip_blank;
use crate::domain::version::{Version, repeatable_key};
use crate::domain::visible;
use crate::engine::plan::unknown;
use crate::engine::report::Part;
use crate::engine::session::{Running, lock_project};
use crate::engine::surroundings::Surroundings;
use crate::engine::{half_run, report};
use crate::error::{Error, Result};
use crate::importers::Found;
use crate::pg::context::Context;
use crate::pg::parse;
use crate::pg::spi::View;
use crate::pg::{message, transaction};
use crate::store::event::Event;
use crate::store::overview::within;
use crate::store::project::Project;
use crate::store::registry::{Content, Registered, same_text};
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
        registration.put_content(Some(version), version.key(), content, replace)
    })
}

/// Registers a repeatable migration, or what it is from now on. Errors: as for [`add`].
pub fn add_repeatable(project: &str, content: Content) -> Result<Outcome> {
    check_requires(project, None, &content.requires)?;
    check_not_itself(&content.name, &content.requires)?;
    Registration::of("migrations.add_repeatable()", project, |registration| {
        let key = repeatable_key(&content.name);
        registration.put_content(None, &key, content, true)
    })
}

/// That a migration can have this name, which is part of a line in errors, logs and
/// pg_stat_activity. Errors: it is empty or too long, or holds what cannot be seen (22023).
pub fn check_name(name: &str) -> Result<()> {
    match visible::defect(name) {
        None => Ok(()),
        why => Err(Error::InvalidName {
            what: "migration name",
            name: name.to_owned(),
            why,
            hint: "Say in one line what the migration does, such as 'create users'.".to_owned(),
        }),
    }
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
            Ok(Requirement::Repeatable(_)) if version.is_some() => {
                return Err(Error::InvalidArgument {
                    message: format!("a version cannot require a repeatable migration ({text})"),
                    hint: "Require a version: repeatable migrations run after all versions."
                        .to_owned(),
                });
            }
            Ok(_) => {}
            Err(why) => return Err(Error::InvalidRequirement { text: text.clone(), why }),
        }
    }
    Ok(())
}

/// That a repeatable migration doesn't require itself. Error: 22023.
fn check_not_itself(name: &str, requires: &[String]) -> Result<()> {
    let own = format!("{REPEATABLE}:{name}");
    match requires.contains(&own) {
        false => Ok(()),
        true => Err(Error::InvalidArgument {
            message: format!("migration {own} cannot require itself"),
            hint: "Leave it out of requires.".to_owned(),
        }),
    }
}

/// The content that a migration that is registered already gets. None: it stays. Error: it
/// differs, and isn't to be replaced (23505).
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
        let version = former.version.clone().unwrap_or_default();
        return Err(Error::AlreadyRegistered { version, project: project.to_owned(), differs });
    }
    Ok(Some((content, Outcome::Replaced)))
}

/// What can't be honoured in a text is reported when it is registered, not when it runs.
/// `at` is the script that is looked at. Errors: a command of psql's, or something behind a
/// COPY (0A000).
fn check_scripts(
    version: Option<&str>,
    content: &Content,
    project: &Project,
    at: &mut Part,
) -> Result<()> {
    let none = Variables::default();
    let parts = [
        (Part::Up, &content.up),
        (Part::Down, &content.down),
        (Part::Precondition, &content.precondition),
        (Part::Verify, &content.verify),
    ];
    let nest = Surroundings::of_parser(Some(project))?.nest()?;
    let conforming = parse::conforming_strings();
    nest.undo()?;
    for (part, script) in parts {
        if let Some(script) = script {
            let label = report::label(part, version, &content.name, &project.name);
            *at = part;
            Context::new(&label, without_bom(script), &none).prepare(conforming)?;
        }
    }
    Ok(())
}

/// Changes of the registry of a project.
///
/// The project is locked with the first change: what is there already is left as it is
/// without the lock, which would be kept until the caller's transaction ends.
pub struct Registration<'a> {
    batch: Batch<'a>,
    name: &'a str,
    // None: there is none yet.
    project: Option<Project>,
    is_locked: bool,
    started_at: i64,
    failed_in: Part,
}

impl<'a> Registration<'a> {
    /// Does work on the registry of a project, which is made if there is none. Errors: see
    /// [`Running::enter`] and, if something changes, [`lock_project`].
    pub fn of<T>(
        call: &'static str,
        project: &str,
        work: impl FnOnce(&mut Registration) -> Result<T>,
    ) -> Result<T> {
        let _running = Running::enter(call)?;
        let started_at = transaction::now();
        let store = Store::find()?;
        let batch = store.open()?;
        let found = batch.existing_project(project, View::Newest)?;
        let mut registration = Registration {
            batch,
            name: project,
            project: found,
            is_locked: false,
            started_at,
            failed_in: Part::Up,
        };
        let done = work(&mut registration)?;
        registration.batch.close()?;
        Ok(done)
    }

    /// The project's variables; of a project that isn't there yet, none.
    pub fn variables(&self) -> Variables {
        let found = self.project.as_ref().map(|project| project.variables.clone());
        found.unwrap_or_else(|| Variables { project: self.name.to_owned(), ..Variables::default() })
    }

    /// In which script of the last migration something can't be honoured.
    pub fn failed_in(&self) -> Part {
        self.failed_in
    }

    /// Whether a migration is registered as it is to be. If it isn't, the project is locked
    /// from now on; then the answer is no, and it is to be looked at again. Errors: those of
    /// [`lock_project`].
    fn is_unchanged(
        &mut self,
        version: Option<&Version>,
        key: &[u8],
        is_same: impl FnOnce(&Registered) -> bool,
    ) -> Result<bool> {
        if self.is_locked {
            return Ok(false);
        }
        if let Some(project) = &self.project
            && let Some(former) = self.batch.registered(project.id, key)?
            && former.version.as_deref() == version.map(Version::text)
            && is_same(&former)
        {
            return Ok(true);
        }
        self.locked()?;
        Ok(false)
    }

    /// The project, which is made and locked if it isn't yet. Errors: those of
    /// [`lock_project`].
    fn locked(&mut self) -> Result<(&Batch<'a>, &mut Project)> {
        let project = match self.project.take() {
            Some(project) if self.is_locked => project,
            _ => lock_project(&self.batch, &self.batch.project_or_new(self.name)?)?,
        };
        self.is_locked = true;
        Ok((&self.batch, self.project.insert(project)))
    }

    /// Registers a whole content. Error: another one is registered, and `replace` wasn't
    /// asked for, or a version with the same numbers (23505).
    pub(super) fn put_content(
        &mut self,
        version: Option<&Version>,
        key: &[u8],
        content: Content,
        replace: bool,
    ) -> Result<Outcome> {
        if self.is_unchanged(version, key, |former| former.differences(&content).is_empty())? {
            return Ok(Outcome::Unchanged);
        }
        let project = self.name;
        self.put(version, key, |former| {
            let Some(former) = former else {
                return Ok(Some((content, Outcome::Added)));
            };
            let differs = former.differences(&content);
            decide(project, former, differs, content, replace)
        })
    }

    /// Notes that the values of these variables of the project are secrets.
    pub fn add_secrets(&mut self, names: Vec<String>) -> Result<()> {
        let (batch, project) = self.locked()?;
        batch.add_secrets(project, names)
    }

    /// Registers what files tell of a migration; what they don't tell stays as it is.
    /// Errors: another content is registered, and `replace` wasn't asked for, or a version
    /// with the same numbers (23505); it requires what it can't, or runs when it can't
    /// (22023).
    pub fn put_found(&mut self, found: Found, replace: bool) -> Result<Done> {
        let project = self.name;
        let Some(text) = &found.version else {
            check_requires(project, None, &found.requires)?;
            check_not_itself(&found.name, &found.requires)?;
            let key = repeatable_key(&found.name);
            if self.is_unchanged(None, &key, |former| agrees(former, &found, false))? {
                return Ok(Done::all(Outcome::Unchanged));
            }
            let outcome = self.put(None, &key, |former| {
                let Some(former) = former else {
                    return Ok(Some((first(found), Outcome::Added)));
                };
                let content = merged(&former.content, found);
                let differs = !former.differences(&content).is_empty();
                Ok(differs.then_some((content, Outcome::Replaced)))
            })?;
            return Ok(Done::all(outcome));
        };
        let version = Version::parse(text)
            .map_err(|why| Error::InvalidVersion { version: text.clone(), why })?;
        check_requires(project, Some(&version), &found.requires)?;
        let mut is_applied = self.is_applied(&version, &found)?;
        if self.is_unchanged(Some(&version), version.key(), |former| {
            agrees(former, &found, is_applied)
        })? {
            return Ok(Done::all(Outcome::Unchanged));
        }
        is_applied = self.is_applied(&version, &found)?;
        let mut done = Done::all(Outcome::Added);
        done.whole = self.put(Some(&version), version.key(), |former| {
            let Some(former) = former else {
                return Ok(Some((first(found), Outcome::Added)));
            };
            let before = &former.content;
            let mut content = merged(before, found);
            // Files of other migrations change what this one requires. That counts until
            // it is applied.
            if is_applied {
                content.requires.clone_from(&before.requires);
            }
            let is_new =
                |before: &Option<String>, now: &Option<String>| before.is_none() && now.is_some();
            let new_up = is_new(&before.up, &content.up);
            let new_down = is_new(&before.down, &content.down);
            let new_verify = is_new(&before.verify, &content.verify);
            // What is new is no difference. With the up comes what is said of all: until
            // then a down's name stands in for the migration's.
            let mut differs = former.differences(&content);
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
            if differs == ["requires"] && !replace {
                done = Done::all(Outcome::Replaced);
                return Ok(Some((content, Outcome::Replaced)));
            }
            decide(project, former, differs, content, replace)
        })?;
        Ok(done)
    }

    /// Whether a migration is applied, if its files say what it requires.
    fn is_applied(&self, version: &Version, found: &Found) -> Result<bool> {
        let Some(project) = self.project.as_ref().filter(|_| !found.requires.is_empty()) else {
            return Ok(false);
        };
        let known = self.batch.find(project.id, version.key(), View::Newest)?;
        Ok(known.is_some_and(|(_, is_applied)| is_applied))
    }

    /// Looks up, in the locked project, what is registered, lets `decision` choose the content that is to be, and
    /// stores it with an event. None: it stays as it is.
    fn put(
        &mut self,
        version: Option<&Version>,
        key: &[u8],
        decision: impl FnOnce(Option<&Registered>) -> Result<Option<(Content, Outcome)>>,
    ) -> Result<Outcome> {
        let started_at = self.started_at;
        let (batch, project) = self.locked()?;
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
        check_name(&content.name)?;
        if outcome == Outcome::Unchanged {
            // The same texts, elsewhere in their file.
            batch.register(project.id, version, key, content)?;
            return Ok(outcome);
        }
        let mut at = Part::Up;
        if let Err(error) = check_scripts(version, &content, project, &mut at) {
            self.failed_in = at;
            return Err(error);
        }
        if content.up.as_deref().is_some_and(|up| skip_blank(up, 0) == up.len()) {
            let title = report::title(version, &content.name);
            message::warning(&format!("the text of {title} holds no statement"));
        }
        let name = content.name.clone();
        let last = batch.last_seq(project.id, View::Newest)?;
        let recorded = batch.record_failures(project.id, key, None, last + 1)?;
        let digest = batch.register(project.id, version, key, content)?;
        batch.record(&Event {
            project: project.id,
            seq: last + i64::from(recorded) + 1,
            version,
            name: Some(&name),
            action: if outcome == Outcome::Added { "add" } else { "replace" },
            started_at,
            digest: Some(&digest),
            former_digest: former.as_ref().map(|former| former.digest.as_slice()),
            ..Event::default()
        })?;
        Ok(outcome)
    }
}

/// Takes a migration that isn't applied out of the registry. Errors: see
/// [`Running::enter`] and [`lock_project`]; unknown project or version (42704); it is
/// applied (55000), or required by another one (2BP01).
pub fn remove(project: &str, version: &Version, reason: Option<&str>) -> Result<()> {
    let removal = Removal { call: "migrations.remove()", key: version.key(), name: "", reason };
    removal.carry_out(project, |batch, project| {
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
/// (42704); another one requires it (2BP01).
pub fn remove_repeatable(project: &str, name: &str, reason: Option<&str>) -> Result<()> {
    let key = repeatable_key(name);
    let removal = Removal { call: "migrations.remove_repeatable()", key: &key, name, reason };
    removal.carry_out(project, |batch, project| {
        let by: Vec<String> = batch
            .repeatables(project, View::Newest)?
            .into_iter()
            .filter(|other| within(&other.requires).contains(&key))
            .map(|other| other.name)
            .collect();
        if !by.is_empty() {
            let (version, project) = (name.to_owned(), project.name.clone());
            return Err(Error::Required { verb: "remove", version, project, by });
        }
        let applied = batch.applied_row(project.id, &key)?;
        if let Some(row) = applied {
            batch.delete_applied(row)?;
        } else if batch.registered(project.id, &key)?.is_none() {
            let (name, project) = (name.to_owned(), project.name.clone());
            return Err(Error::UnknownRepeatable { name, project });
        }
        Ok(())
    })
}

/// A migration that is taken out of the registry.
struct Removal<'a> {
    call: &'static str,
    key: &'a [u8],
    // What the history calls it if it isn't registered any more.
    name: &'a str,
    reason: Option<&'a str>,
}

impl Removal<'_> {
    fn carry_out(
        &self,
        name: &str,
        check: impl FnOnce(&Batch, &Project) -> Result<()>,
    ) -> Result<()> {
        let _running = Running::enter(self.call)?;
        let store = Store::find()?;
        let batch = store.open()?;
        let Some(found) = batch.project(name, View::Newest)? else {
            return Err(Error::UnknownProject {
                project: name.to_owned(),
                known: batch.projects()?,
            });
        };
        let project = lock_project(&batch, &found)?;
        check(&batch, &project)?;
        half_run::refuse_of(&batch, &project, self.key)?;
        let last = batch.last_seq(project.id, View::Newest)?;
        batch.record_failures(project.id, self.key, None, last + 1)?;
        batch.forget_failure(project.id, self.key)?;
        let registered = batch.registered(project.id, self.key)?;
        batch.unregister(project.id, self.key)?;
        let digest = registered.as_ref().map(|registered| registered.digest.clone());
        let (version, content) = registered.map(|r| (r.version, r.content)).unzip();
        batch.record(&Event {
            project: project.id,
            seq: batch.last_seq(project.id, View::Newest)? + 1,
            version: version.flatten().as_deref(),
            name: Some(content.as_ref().map_or(self.name, |content| &content.name)),
            action: "remove",
            started_at: transaction::now(),
            digest: digest.as_deref(),
            reason: self.reason,
            ..Event::default()
        })?;
        batch.note_completeness(&project)?;
        batch.close()
    }
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
        let up = Some(up);
        let is_other = !same_text(&before.up, &up);
        if is_other || found.transactional.is_some() {
            content.transactional = found.transactional;
        }
        content.name = found.name;
        content.moment = found.moment;
        content.up = up;
    }
    if !found.requires.is_empty() {
        content.requires = found.requires;
    }
    content.down = found.down.or(content.down);
    content.verify = found.verify.or(content.verify);
    content
}

/// Whether all that files say of a migration is registered; `is_applied`: what it
/// requires stays as it is.
fn agrees(former: &Registered, found: &Found, is_applied: bool) -> bool {
    let before = &former.content;
    let line = |text: &Option<String>| text.as_deref().map(first_line);
    // The same text elsewhere in its file is stored anew, for its line.
    let same = |before: &Option<String>, now: &Option<String>| {
        now.is_none() || line(before) == line(now) && same_text(before, now)
    };
    let marks = found.name == before.name
        && found.moment == before.moment
        && (found.transactional.is_none() || found.transactional == before.transactional);
    same(&before.up, &found.up)
        && same(&before.down, &found.down)
        && same(&before.verify, &found.verify)
        && (found.up.is_none() || marks)
        && (is_applied || found.requires.is_empty() || found.requires == before.requires)
        && former.is_intact()
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
