//! Puts the record right: what is in force, without running anything. Each change is an
//! event of the history with who and why.

use crate::domain::version::{InvalidVersion, Version, is_repeatable, repeatable_key};
use crate::engine::half_run;
use crate::engine::plan::{self, in_order};
use crate::engine::report::{Part, label};
use crate::engine::requirement;
use crate::engine::session::{Running, lock_project};
use crate::error::{Error, Result};
use crate::pg::spi::View;
use crate::pg::{lock, message, transaction};
use crate::store::applied::{Accepted, Applied, Origin};
use crate::store::event::Event;
use crate::store::journal::{JournalKey, JournalProgress};
use crate::store::overview::Pending;
use crate::store::project::Project;
use crate::store::{Batch, RunId, Store};

/// A migration of which the record has changed.
pub struct Changed {
    /// The project.
    pub project: String,
    /// The version; None: a repeatable migration.
    pub version: Option<String>,
    /// The name.
    pub name: String,
    /// What was noted, as in the history.
    pub action: &'static str,
}

/// What an event of a repair says of the migration.
#[derive(Default)]
struct What<'a> {
    digest: Option<&'a [u8]>,
    former_digest: Option<&'a [u8]>,
    message: Option<&'a str>,
}

/// A repair of a locked project that is under way.
struct Repair<'a> {
    batch: Batch<'a>,
    project: Project,
    reason: Option<&'a str>,
    run: RunId,
    at: i64,
    seq: i64,
    changed: Vec<Changed>,
}

/// A migration as a call names it: its version, or the name of a repeatable one.
pub struct Named<'a> {
    text: &'a str,
    version: std::result::Result<Version, InvalidVersion>,
    may_be_repeatable: bool,
}

impl<'a> Named<'a> {
    /// One of either kind.
    pub fn new(text: &'a str) -> Named<'a> {
        Named { text, version: Version::parse(text), may_be_repeatable: true }
    }

    fn version(version: &'a Version) -> Named<'a> {
        Named { text: version.text(), version: Ok(version.clone()), may_be_repeatable: false }
    }

    /// Its key, and whether it is applied. Errors: there is none (42704), and the text is no
    /// version (22023).
    fn find(&self, batch: &Batch, project: &Project) -> Result<(Vec<u8>, bool)> {
        let version = self.version.as_ref().ok().map(|version| version.key().to_vec());
        let repeatable = self.may_be_repeatable.then(|| repeatable_key(self.text));
        for key in version.into_iter().chain(repeatable) {
            if let Some((_, applied)) = batch.find(project.id, &key, View::Newest)? {
                return Ok((key, applied));
            }
        }
        Err(self.unknown(&project.name))
    }

    fn unknown(&self, project: &str) -> Error {
        let version = self.text.to_owned();
        match self.version {
            Ok(_) => Error::UnknownTarget { version, project: project.to_owned() },
            Err(why) => Error::InvalidVersion { version, why },
        }
    }
}

/// Repairs a project's record of what is applied. `work` gets the key of the migration
/// that is named, and whether it is applied. Errors: see [`Running::enter`] and
/// [`lock_project`]; unknown project or migration (42704).
fn repair(
    call: &'static str,
    project: &str,
    named: &Named,
    reason: Option<&str>,
    work: impl FnOnce(&mut Repair, &[u8], bool) -> Result<()>,
) -> Result<Vec<Changed>> {
    let unknown = |_: &Batch| Ok(named.unknown(project));
    repair_project(call, project, reason, unknown, |repair| {
        let (key, applied) = named.find(&repair.batch, &repair.project)?;
        work(repair, &key, applied)
    })
}

/// The same for work on a whole project; `unknown` makes the error where `default` has no
/// row.
fn repair_project(
    call: &'static str,
    project: &str,
    reason: Option<&str>,
    unknown: impl FnOnce(&Batch) -> Result<Error>,
    work: impl FnOnce(&mut Repair) -> Result<()>,
) -> Result<Vec<Changed>> {
    let _running = Running::enter(call)?;
    let store = Store::find()?;
    let batch = store.open()?;
    let Some(found) = batch.project(project, View::Newest)? else {
        return Err(unknown(&batch)?);
    };
    let project = lock_project(&batch, &found)?;
    let mut repair = Repair {
        run: batch.new_run_id()?,
        at: transaction::now(),
        seq: batch.last_seq(project.id, View::Newest)?,
        changed: Vec::new(),
        batch,
        project,
        reason,
    };
    work(&mut repair)?;
    if repair.changed.is_empty() {
        lock::release(repair.project.id)?;
    } else {
        repair.batch.note_completeness(&repair.project)?;
    }
    let changed = repair.changed;
    repair.batch.close()?;
    if changed.is_empty() {
        message::notice("nothing to do: the record says so already");
    }
    Ok(changed)
}

impl Repair<'_> {
    fn record(
        &mut self,
        version: Option<&str>,
        name: &str,
        action: &'static str,
        what: What,
    ) -> Result<()> {
        self.batch.record(&Event {
            project: self.project.id,
            seq: self.seq,
            run: Some(self.run),
            version,
            name: Some(name),
            action,
            started_at: self.at,
            digest: what.digest,
            former_digest: what.former_digest,
            message: what.message,
            reason: self.reason,
            ..Event::default()
        })?;
        self.changed.push(Changed {
            project: self.project.name.clone(),
            version: version.map(str::to_owned),
            name: name.to_owned(),
            action,
        });
        Ok(())
    }

    fn mark(&mut self, migrations: Vec<Pending>, origin: Origin) -> Result<()> {
        plan::check_ups(&self.project, &migrations)?;
        // What they require elsewhere stays as it is until this is committed.
        let all: Vec<&Pending> = migrations.iter().collect();
        requirement::hold(&self.batch, &[&self.project.name], &all)?;
        let action = match origin {
            Origin::Mark => "mark_applied",
            Origin::Baseline => "baseline",
        };
        for migration in migrations {
            self.forget(&migration.key)?;
            self.seq += 1;
            let digest =
                self.batch.insert_marked(migration.id, origin, self.run, self.at, self.seq)?;
            let version = migration.version.as_deref();
            let what = What { digest: Some(&digest), ..What::default() };
            self.record(version, &migration.name, action, what)?;
        }
        Ok(())
    }

    fn unmark(&mut self, applied: Vec<Applied>) -> Result<()> {
        let keys: Vec<(&[u8], &str)> =
            applied.iter().map(|m| (m.key.as_slice(), m.version.as_str())).collect();
        for (version, by) in requirement::required(&self.batch, &self.project, &keys)? {
            message::warning(&format!(
                "migration {version} of project {} is pending now, but required by {}, which stays applied",
                self.project.name,
                by.join(", ")
            ));
        }
        for migration in applied {
            self.forget(&migration.key)?;
            self.seq += 1;
            self.batch.delete_applied(migration.id)?;
            let version = Some(migration.version.as_str());
            self.record(version, &migration.name, "mark_pending", What::default())?;
        }
        Ok(())
    }

    /// Records something about a migration without a change of what is applied.
    fn note(&mut self, key: &[u8], action: &'static str) -> Result<()> {
        let title = self.batch.title(self.project.id, key, View::Newest)?;
        let (version, name) = title.unwrap_or_default();
        self.seq += 1;
        self.record(version.as_deref(), &name, action, What::default())
    }

    /// Takes what is registered of an applied migration as what was applied. Error: it was
    /// changed directly (55000).
    fn accept(&mut self, row: i64, version: Option<&str>) -> Result<()> {
        let Some(Accepted { name, former, new, changes, is_intact }) = self.batch.accept(row)?
        else {
            return Ok(());
        };
        if !is_intact {
            let what = label(Part::Up, version, &name, &self.project.name);
            return Err(Error::Corrupt { what });
        }
        self.seq += 1;
        let parts = changes.list();
        let what = What { digest: Some(&new), former_digest: Some(&former), message: Some(&parts) };
        self.record(version, &name, "accept", what)
    }

    /// Forgets in what a migration has failed, once it is in the history. False: in nothing.
    fn forget_failure(&mut self, key: &[u8]) -> Result<bool> {
        if self.batch.record_failures(self.project.id, key, None, self.seq + 1)? {
            self.seq += 1;
        }
        self.batch.forget_failure(self.project.id, key)
    }

    /// Forgets what a stepwise run has begun or failed in. False: nothing.
    fn forget(&mut self, key: &[u8]) -> Result<bool> {
        let had_failed = self.forget_failure(key)?;
        Ok(self.batch.forget_journal(self.project.id, key)? || had_failed)
    }

    /// Which way the migration is half run. Error: another one is half run (55000).
    fn half_run(&self, key: &[u8]) -> Result<Option<JournalProgress>> {
        half_run::refuse_others(&self.batch, &self.project, key)?;
        Ok(self.batch.journal_progress(self.project.id, View::Newest)?.remove(key))
    }

    /// Notes a repeatable migration as one that hasn't run.
    fn unmark_repeatable(&mut self, key: &[u8]) -> Result<()> {
        self.forget(key)?;
        self.note(key, "mark_pending")?;
        match self.batch.applied_row(self.project.id, key)? {
            Some(row) => self.batch.delete_applied(row).map(|_| ()),
            None => Ok(()),
        }
    }

    /// That a block of the migration was cut off, of which only people can tell how far it
    /// came. Error: 55000.
    fn check_undecided(&self, named: &Named, key: &[u8]) -> Result<()> {
        let under_way = self.batch.journal_progress(self.project.id, View::Newest)?;
        match under_way.get(key) {
            Some(way) if way.needs_decision => Ok(()),
            way => Err(Error::Decided {
                version: named.text.to_owned(),
                project: self.project.name.clone(),
                direction: way.map(|way| way.direction.clone()),
            }),
        }
    }

    /// The registered versions up to this one that aren't applied, in the order in which
    /// they would be.
    fn pending_up_to(&self, version: &Version) -> Result<Vec<Pending>> {
        let mut pending = self.batch.differences(&self.project, View::Newest)?.pending;
        pending.retain(|m| !is_repeatable(&m.key) && m.key.as_slice() <= version.key());
        in_order(&self.project, pending)
    }
}

/// Notes a migration as applied that was applied by other means; a half-run one as finished,
/// or its rollback as undone. Errors: see [`repair`]; another one is half run, it has no up
/// (55000).
pub fn mark_applied(project: &str, named: &Named, reason: Option<&str>) -> Result<Vec<Changed>> {
    repair("migrations.mark_applied()", project, named, reason, |repair, key, applied| {
        match repair.half_run(key)? {
            Some(way) if way.is_down() => {
                repair.forget(key)?;
                return repair.note(key, "mark_applied");
            }
            None if applied => return Ok(()),
            _ => {}
        }
        // A repeatable one may have run before, with another text.
        if let Some(former) = repair.batch.applied_row(repair.project.id, key)? {
            repair.batch.delete_applied(former)?;
        }
        let one = repair.batch.registered_as_pending(&repair.project, &[key])?;
        repair.mark(one, Origin::Mark)
    })
}

/// Notes a migration as not applied that was undone by other means; a half-run one as
/// undone, or its rollback as finished. Errors: see [`repair`]; another one is half run
/// (55000).
pub fn mark_pending(project: &str, named: &Named, reason: Option<&str>) -> Result<Vec<Changed>> {
    repair("migrations.mark_pending()", project, named, reason, |repair, key, applied| {
        let begun = repair.half_run(key)?.is_some_and(|way| !way.is_down());
        if begun || !applied {
            // JournalKey what a stepwise run has begun nothing counts any more.
            return match repair.forget(key)? {
                true => repair.note(key, "mark_pending"),
                false => Ok(()),
            };
        }
        if is_repeatable(key) {
            return repair.unmark_repeatable(key);
        }
        let mut all = repair.batch.applied_versions(repair.project.id)?;
        all.retain(|m| m.key == key);
        repair.unmark(all)
    })
}

/// Notes the statement at which a migration was interrupted as done.
pub fn mark_statement_done(
    project: &str,
    named: &Named,
    reason: Option<&str>,
) -> Result<Vec<Changed>> {
    repair("migrations.mark_statement_done()", project, named, reason, |repair, key, _| {
        let of = |direction| JournalKey { project: repair.project.id, key, direction };
        let (up, down) = (of("up"), of("down"));
        repair.check_undecided(named, key)?;
        if repair.batch.finish_started(up)? || repair.batch.finish_started(down)? {
            repair.forget_failure(key)?;
            repair.note(key, "mark_statement_done")?;
        }
        Ok(())
    })
}

/// Has the statement at which a migration was interrupted run again.
pub fn retry(project: &str, named: &Named, reason: Option<&str>) -> Result<Vec<Changed>> {
    repair("migrations.retry()", project, named, reason, |repair, key, _| {
        let of = |direction| JournalKey { project: repair.project.id, key, direction };
        let (up, down) = (of("up"), of("down"));
        repair.check_undecided(named, key)?;
        if repair.batch.forget_started(up)? || repair.batch.forget_started(down)? {
            repair.forget_failure(key)?;
            repair.note(key, "retry")?;
        }
        Ok(())
    })
}

/// Notes all up to this version as applied, and all above as not applied: what
/// golang-migrate's `force` means. Errors: see [`repair`]; a migration is half run (55000).
pub fn force(project: &str, version: &Version, reason: Option<&str>) -> Result<Vec<Changed>> {
    record_up_to("migrations.force()", project, version, reason, Origin::Mark)
}

/// Notes what another tool's record says: all up to this version was there before
/// pg_migrations came, and is never rolled back; all above isn't applied. Errors: those of
/// [`force`].
pub fn adopt(project: &str, version: &Version, reason: &str) -> Result<Vec<Changed>> {
    record_up_to("migrations.adopt()", project, version, Some(reason), Origin::Baseline)
}

fn record_up_to(
    call: &'static str,
    project: &str,
    version: &Version,
    reason: Option<&str>,
    origin: Origin,
) -> Result<Vec<Changed>> {
    repair(call, project, &Named::version(version), reason, |repair, _, _| {
        half_run::refuse(&repair.batch, &repair.project)?;
        let mut above = repair.batch.applied_versions(repair.project.id)?;
        above.retain(|m| m.key.as_slice() > version.key());
        repair.unmark(above)?;
        let up_to = repair.pending_up_to(version)?;
        repair.mark(up_to, origin)
    })
}

/// Notes all up to this version as there before pg_migrations came: applied, but never
/// to be rolled back. Errors: see [`repair`]; a migration is half run (55000).
pub fn baseline(project: &str, version: &Version, reason: Option<&str>) -> Result<Vec<Changed>> {
    repair("migrations.baseline()", project, &Named::version(version), reason, |repair, _, _| {
        half_run::refuse(&repair.batch, &repair.project)?;
        let up_to = repair.pending_up_to(version)?;
        repair.mark(up_to, Origin::Baseline)
    })
}

/// Takes all that is registered of an applied migration as what was applied: its texts,
/// requires, transactional and on_fail. Error: it isn't applied, has no up, or was changed
/// directly (55000).
pub fn accept_changes(
    project: &str,
    version: &Version,
    reason: Option<&str>,
) -> Result<Vec<Changed>> {
    let named = Named::version(version);
    repair("migrations.accept_changes()", project, &named, reason, |repair, _, _| {
        let Some(row) = repair.batch.applied_row(repair.project.id, version.key())? else {
            let (version, project) = (version.text().to_owned(), repair.project.name.clone());
            return Err(Error::NotApplied { version, project });
        };
        let registered = repair.batch.registered_as_pending(&repair.project, &[version.key()])?;
        let Some(one) = registered.first() else {
            return Err(plan::unknown(version, &repair.project.name));
        };
        plan::check_ups(&repair.project, &registered)?;
        repair.accept(row, one.version.as_deref())
    })
}

/// Takes all that is registered of all modified migrations of a project as what was applied.
/// `confirm` is their number, as `status` shows them: what somebody else has changed
/// meanwhile is not accepted along. Errors: unknown project (42704); another number (22023);
/// one has no up, or was changed directly (55000).
pub fn accept_all_changes(
    project: &str,
    reason: Option<&str>,
    confirm: Option<i32>,
) -> Result<Vec<Changed>> {
    let unknown = |batch: &Batch| {
        Ok(Error::UnknownProject { project: project.to_owned(), known: batch.projects()? })
    };
    repair_project("migrations.accept_all_changes()", project, reason, unknown, |repair| {
        let (batch, project) = (&repair.batch, &repair.project);
        let mut modified = batch.differences(project, View::Newest)?.modified;
        // JournalKey these, status says that they are interrupted.
        let under_way = batch.journal_progress(project.id, View::Newest)?;
        modified.retain(|m| !under_way.contains_key(&m.key));
        if confirm.and_then(|n| usize::try_from(n).ok()) != Some(modified.len()) {
            let (project, reason) = (project.name.clone(), reason.map(str::to_owned));
            return Err(Error::ChangesNotConfirmed { project, reason, confirm, modified });
        }
        let keys: Vec<&[u8]> = modified.iter().map(|m| m.key.as_slice()).collect();
        let registered = batch.registered_as_pending(project, &keys)?;
        plan::check_ups(project, &registered)?;
        for one in &registered {
            if let Some(row) = repair.batch.applied_row(repair.project.id, &one.key)? {
                repair.accept(row, one.version.as_deref())?;
            }
        }
        Ok(())
    })
}
