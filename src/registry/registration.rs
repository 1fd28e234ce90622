//! Registering migrations: what add() and add_repeatable() do, and the work that all calls
//! share which register something.

use super::errors;
use super::validation::{check_name, check_not_itself, check_requires, check_scripts};
use crate::domain::checksum::without_bom;
use crate::domain::room;
use crate::domain::script::prepare::Variables;
use crate::domain::script::skip_blank;
use crate::domain::version::{Version, repeatable_key};
use crate::engine::naming::{self, ScriptKind};
use crate::engine::session::{CallGuard, lock_project};
use crate::error::Result;
use crate::pg::spi::View;
use crate::pg::{message, transaction};
use crate::store::event::Event;
use crate::store::project::Project;
use crate::store::registry::{Content, Registered};
use crate::store::{Batch, Store};

/// How the registry has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegistryChange {
    /// The migration, or a part of it, is new.
    Added,
    /// The same content was registered before.
    Unchanged,
    /// Another content was registered before.
    Replaced,
}

impl RegistryChange {
    /// The word for it that add() and add_file() return.
    pub fn word(self) -> &'static str {
        match self {
            RegistryChange::Added => "added",
            RegistryChange::Unchanged => "unchanged",
            RegistryChange::Replaced => "replaced",
        }
    }

    /// The change of two migrations of one file together.
    pub fn and(self, other: RegistryChange) -> RegistryChange {
        match (self, other) {
            (RegistryChange::Replaced, _) | (_, RegistryChange::Replaced) => {
                RegistryChange::Replaced
            }
            (RegistryChange::Added, _) | (_, RegistryChange::Added) => RegistryChange::Added,
            _ => RegistryChange::Unchanged,
        }
    }
}

/// Registers a version. Returns how the registry has changed.
///
/// Errors: those of [`CallGuard::enter`] and [`lock_project`]; a version with the same numbers is
/// registered (23505); another content is registered and `replace` is false (23505); it requires
/// itself, or a text that is not a requirement (22023).
pub fn add(
    project: &str,
    version: &Version,
    content: Content,
    replace: bool,
) -> Result<RegistryChange> {
    check_requires(project, Some(version), &content.requires)?;
    Registration::of("migrations.add()", project, |registration| {
        registration.put_content(Some(version), version.key(), content, replace)
    })
}

/// Registers a repeatable migration, or replaces it. Returns how the registry has changed.
/// Errors: those of [`add`].
pub fn add_repeatable(project: &str, content: Content) -> Result<RegistryChange> {
    check_requires(project, None, &content.requires)?;
    check_not_itself(&content.name, &content.requires)?;
    Registration::of("migrations.add_repeatable()", project, |registration| {
        let key = repeatable_key(&content.name);
        registration.put_content(None, &key, content, true)
    })
}

/// The content to store for a migration that is registered already. None: it stays as it is.
/// Errors: the content differs and `replace` is false (23505).
pub(super) fn decide(
    project: &str,
    former: &Registered,
    differs: Vec<&'static str>,
    content: Content,
    replace: bool,
) -> Result<Option<(Content, RegistryChange)>> {
    if differs.is_empty() {
        return Ok(None);
    }
    if !replace {
        let version = former.version.as_deref().unwrap_or_default();
        return Err(errors::already_registered(version, project, &differs));
    }
    Ok(Some((content, RegistryChange::Replaced)))
}

/// Work on the registry of a project.
///
/// The project is locked with the first change. What is registered already is compared without
/// the lock, which would be held until the caller's transaction ends.
pub struct Registration<'a> {
    batch: Batch<'a>,
    name: &'a str,
    // None: the project does not exist yet.
    project: Option<Project>,
    is_locked: bool,
    started_at: i64,
    failed_in: ScriptKind,
}

impl<'a> Registration<'a> {
    /// Does `work` on the registry of a project, which is created with its first migration.
    /// `call` is the name of the SQL function, for messages. Returns the result of `work`.
    /// Errors: those of [`CallGuard::enter`] and, if something changes, of [`lock_project`].
    pub fn of<T>(
        call: &'static str,
        project: &str,
        work: impl FnOnce(&mut Registration) -> Result<T>,
    ) -> Result<T> {
        let _running = CallGuard::enter(call)?;
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
            failed_in: ScriptKind::Up,
        };
        let done = work(&mut registration)?;
        registration.batch.close()?;
        Ok(done)
    }

    /// The project's variables. A project that does not exist yet has none.
    pub fn variables(&self) -> Variables {
        let found = self.project.as_ref().map(|project| project.variables.clone());
        found.unwrap_or_else(|| Variables { project: self.name.to_owned(), ..Variables::default() })
    }

    /// The script of the last migration in which [`check_scripts`] has found an error.
    pub fn failed_in(&self) -> ScriptKind {
        self.failed_in
    }

    /// The name of the project.
    pub(super) fn project_name(&self) -> &'a str {
        self.name
    }

    /// Whether a version is applied. Errors: the server's.
    pub(super) fn is_applied(&self, version: &Version) -> Result<bool> {
        let Some(project) = &self.project else { return Ok(false) };
        let known = self.batch.find(project.id, version.key(), View::Newest)?;
        Ok(known.is_some_and(|(_, is_applied)| is_applied))
    }

    /// Whether a migration is registered already with what `is_same` compares. If not, the
    /// project is locked, and the caller has to compare again. Errors: those of
    /// [`lock_project`].
    pub(super) fn is_unchanged(
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

    /// The project, which is created and locked if it is not yet. Errors: those of
    /// [`lock_project`].
    fn locked(&mut self) -> Result<(&Batch<'a>, &mut Project)> {
        let project = match self.project.take() {
            Some(project) if self.is_locked => project,
            _ => lock_project(&self.batch, &self.batch.project_or_new(self.name)?)?,
        };
        self.is_locked = true;
        Ok((&self.batch, self.project.insert(project)))
    }

    /// Registers a complete content. Returns how the registry has changed. Errors: those of
    /// [`add`].
    pub(super) fn put_content(
        &mut self,
        version: Option<&Version>,
        key: &[u8],
        content: Content,
        replace: bool,
    ) -> Result<RegistryChange> {
        if self.is_unchanged(version, key, |former| former.differences(&content).is_empty())? {
            return Ok(RegistryChange::Unchanged);
        }
        let project = self.name;
        self.put(version, key, |former| {
            let Some(former) = former else {
                return Ok(Some((content, RegistryChange::Added)));
            };
            let differs = former.differences(&content);
            decide(project, former, differs, content, replace)
        })
    }

    /// Notes that the values of these variables of the project are secrets. Errors: those of
    /// [`lock_project`].
    pub fn add_secrets(&mut self, names: Vec<String>) -> Result<()> {
        let (batch, project) = self.locked()?;
        batch.add_secrets(project, names)
    }

    /// Reads what is registered in the locked project, lets `decision` choose the content to
    /// store, and stores it with an event. None: the migration stays as it is. Returns how the
    /// registry has changed.
    ///
    /// Errors: those of `decision`; a version with the same numbers is registered (23505); the
    /// name is invalid (22023); those of [`check_scripts`].
    pub(super) fn put(
        &mut self,
        version: Option<&Version>,
        key: &[u8],
        decision: impl FnOnce(Option<&Registered>) -> Result<Option<(Content, RegistryChange)>>,
    ) -> Result<RegistryChange> {
        let (batch, project) = self.locked()?;
        let former = batch.registered(project.id, key)?;
        let version = version.map(Version::text);
        check_same_version(version, former.as_ref(), project)?;
        let Some((content, change)) = decision(former.as_ref())? else {
            return Ok(RegistryChange::Unchanged);
        };
        let content = content.normal();
        check_name(&content.name)?;
        if change == RegistryChange::Unchanged {
            // The same texts, at other lines of their file.
            batch.register(project.id, version, key, content)?;
            return Ok(change);
        }
        let mut at = ScriptKind::Up;
        if let Err(error) = check_scripts(version, &content, project, &mut at) {
            self.failed_in = at;
            return Err(error);
        }
        warn_if_empty(version, &content);
        self.store(version, key, content, change, former.as_ref())?;
        Ok(change)
    }

    /// Stores a content and adds the event. The project is locked.
    fn store(
        &mut self,
        version: Option<&str>,
        key: &[u8],
        content: Content,
        change: RegistryChange,
        former: Option<&Registered>,
    ) -> Result<()> {
        let started_at = self.started_at;
        let (batch, project) = self.locked()?;
        let name = content.name.clone();
        let last = batch.last_seq(project.id, View::Newest)?;
        let recorded = batch.record_failures(project.id, key, None, last + 1)?;
        let digest = batch.register(project.id, version, key, content)?;
        batch.record(&Event {
            project: project.id,
            seq: last + i64::from(recorded) + 1,
            version,
            name: Some(&name),
            action: if change == RegistryChange::Added { "add" } else { "replace" },
            started_at,
            digest: Some(&digest),
            former_digest: former.map(|former| former.digest.as_slice()),
            ..Event::default()
        })
    }
}

/// Checks that a version is written as it is registered. Errors: it is registered in other
/// digits (23505).
fn check_same_version(
    version: Option<&str>,
    former: Option<&Registered>,
    project: &Project,
) -> Result<()> {
    if let (Some(version), Some(Registered { version: Some(former), .. })) = (version, former)
        && version != former
    {
        return Err(errors::version_clash(version, former, &project.name));
    }
    Ok(())
}

fn warn_if_empty(version: Option<&str>, content: &Content) {
    if content.up.as_deref().is_some_and(|up| skip_blank(up, 0) == up.len()) {
        let title = naming::title(version, &content.name);
        message::warning(&format!("the text of {title} holds no statement"));
    }
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
