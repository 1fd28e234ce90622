//! Registering what files hold of a migration: files may hold some of its parts only, and what
//! they do not hold stays as it is.

use super::registration::{Registration, RegistryChange, decide};
use super::validation::{check_not_itself, check_requires};
use crate::domain::room;
use crate::domain::script::origin::first_line;
use crate::domain::version::{Version, repeatable_key};
use crate::engine::errors::invalid_version;
use crate::error::Result;
use crate::importers::ImportedMigration;
use crate::store::registry::{Content, Registered, same_text};

/// How the parts of a migration have changed in the registry.
#[derive(Debug, Clone, Copy)]
pub struct RegistrationResult {
    /// The migration as a whole.
    pub whole: RegistryChange,
    /// The up, with the name, the requirements and the marks.
    pub up: RegistryChange,
    /// The down.
    pub down: RegistryChange,
    /// The verify script.
    pub verify: RegistryChange,
}

impl RegistrationResult {
    fn all(change: RegistryChange) -> RegistrationResult {
        RegistrationResult { whole: change, up: change, down: change, verify: change }
    }
}

impl Registration<'_> {
    /// Registers what files hold of a migration. Returns how the registry has changed.
    ///
    /// Errors: another content is registered and `replace` is false, or a version with the same
    /// numbers is registered (23505); a requirement, or the moment of a repeatable migration, is
    /// not valid (22023).
    pub fn put_found(
        &mut self,
        found: ImportedMigration,
        replace: bool,
    ) -> Result<RegistrationResult> {
        let Some(text) = &found.version else {
            return self.put_repeatable(found).map(RegistrationResult::all);
        };
        let version = Version::parse(text).map_err(|why| invalid_version(text, why))?;
        self.put_version(&version, found, replace)
    }

    fn put_repeatable(&mut self, found: ImportedMigration) -> Result<RegistryChange> {
        check_requires(self.project_name(), None, &found.requires)?;
        check_not_itself(&found.name, &found.requires)?;
        let key = repeatable_key(&found.name);
        if self.is_unchanged(None, &key, |former| agrees(former, &found, false))? {
            return Ok(RegistryChange::Unchanged);
        }
        self.put(None, &key, |former| {
            let Some(former) = former else {
                return Ok(Some((new_content(found), RegistryChange::Added)));
            };
            let content = merged(&former.content, found);
            let differs = !former.differences(&content).is_empty();
            Ok(differs.then_some((content, RegistryChange::Replaced)))
        })
    }

    fn put_version(
        &mut self,
        version: &Version,
        found: ImportedMigration,
        replace: bool,
    ) -> Result<RegistrationResult> {
        let project = self.project_name();
        check_requires(project, Some(version), &found.requires)?;
        let has_requires = !found.requires.is_empty();
        let is_applied = has_requires && self.is_applied(version)?;
        let is_same = |former: &Registered| agrees(former, &found, is_applied);
        if self.is_unchanged(Some(version), version.key(), is_same)? {
            return Ok(RegistrationResult::all(RegistryChange::Unchanged));
        }
        // The project is locked now: before, another session may have applied the version.
        let is_applied = has_requires && self.is_applied(version)?;
        let mut result = RegistrationResult::all(RegistryChange::Added);
        result.whole = self.put(Some(version), version.key(), |former| {
            let Some(former) = former else {
                return Ok(Some((new_content(found), RegistryChange::Added)));
            };
            let update = Update::of(former, found, is_applied);
            result = update.result(replace);
            update.decide(project, former, replace)
        })?;
        Ok(result)
    }
}

/// A registered version, and the content that it gets from files.
struct Update {
    content: Content,
    // What differs, without what is new: named as the arguments of add().
    differs: Vec<&'static str>,
    adds_up: bool,
    adds_down: bool,
    adds_verify: bool,
    // Texts begin at other lines of their files.
    is_moved: bool,
}

impl Update {
    fn of(former: &Registered, found: ImportedMigration, is_applied: bool) -> Update {
        let before = &former.content;
        let mut content = merged(before, found);
        // With the files of other migrations the requirements of this one change. They count
        // only until it is applied.
        if is_applied {
            content.requires.clone_from(&before.requires);
        }
        let adds =
            |before: &Option<String>, now: &Option<String>| before.is_none() && now.is_some();
        let adds_up = adds(&before.up, &content.up);
        let adds_down = adds(&before.down, &content.down);
        let adds_verify = adds(&before.verify, &content.verify);
        // The name, the requirements and the marks come with the up. Until there is an up, the
        // migration has the name of its down.
        let mut differs = former.differences(&content);
        differs.retain(|what| match *what {
            "down" => !adds_down,
            "verify" => !adds_verify,
            _ => !adds_up,
        });
        let is_moved = moved(before, &content);
        Update { content, differs, adds_up, adds_down, adds_verify, is_moved }
    }

    fn adds_something(&self) -> bool {
        self.adds_up || self.adds_down || self.adds_verify
    }

    /// Only the requirements differ, which files may change without `replace`.
    fn changes_requires_alone(&self) -> bool {
        self.differs == ["requires"]
    }

    /// How the parts change. The whole is known when the content is stored.
    fn result(&self, replace: bool) -> RegistrationResult {
        if self.changes_requires_alone() && !replace {
            return RegistrationResult::all(RegistryChange::Replaced);
        }
        let change = |adds: bool, differs: bool| match (adds, differs) {
            (true, _) => RegistryChange::Added,
            (_, true) => RegistryChange::Replaced,
            _ => RegistryChange::Unchanged,
        };
        let differs = |part: &str| self.differs.contains(&part);
        let up_differs = self.differs.iter().any(|what| !["down", "verify"].contains(what));
        RegistrationResult {
            whole: RegistryChange::Added,
            up: change(self.adds_up, up_differs),
            down: change(self.adds_down, differs("down")),
            verify: change(self.adds_verify, differs("verify")),
        }
    }

    /// The content to store. None: the migration stays as it is. Errors: those of [`decide`].
    fn decide(
        self,
        project: &str,
        former: &Registered,
        replace: bool,
    ) -> Result<Option<(Content, RegistryChange)>> {
        if self.differs.is_empty() {
            return Ok(match (self.adds_something(), self.is_moved) {
                (true, _) => Some((self.content, RegistryChange::Added)),
                (_, true) => Some((self.content, RegistryChange::Unchanged)),
                _ => None,
            });
        }
        let replace = replace || self.changes_requires_alone();
        decide(project, former, self.differs, self.content, replace)
    }
}

/// The content of a migration that is not registered yet.
fn new_content(found: ImportedMigration) -> Content {
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

/// The registered content of a migration, changed by what files hold of it. The name, the marks
/// and the moment come with the up; another up without a mark removes the former mark.
fn merged(before: &Content, found: ImportedMigration) -> Content {
    let parts =
        [(&found.up, &before.up), (&found.down, &before.down), (&found.verify, &before.verify)];
    // A text that is replaced is not copied.
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

/// Whether everything that files hold of a migration is registered. The requirements of an
/// applied migration (`is_applied`) are not compared, since they do not change.
fn agrees(former: &Registered, found: &ImportedMigration, is_applied: bool) -> bool {
    let before = &former.content;
    let line = |text: &Option<String>| text.as_deref().map(first_line);
    // The same text at another line of its file is stored again, for its line numbers.
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
