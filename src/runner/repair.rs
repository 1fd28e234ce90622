//! Puts the record right: what is in force, without running anything. Each change is an
//! event of the history with who and why.

use super::entrance::{Running, lock_project};
use super::plan::{self, in_order, title};
use super::report::{Part, label};
use super::requirement;
use crate::domain::version::{Version, is_repeatable};
use crate::error::{Error, Result};
use crate::pg::spi::View;
use crate::pg::{lock, message, transaction};
use crate::store::applied::{Accepted, Applied, Origin};
use crate::store::event::Event;
use crate::store::journal::Of;
use crate::store::overview::Pending;
use crate::store::project::Project;
use crate::store::{Batch, RunId, Store};

/// A migration of which the record has changed.
pub struct Changed {
    /// The project.
    pub project: String,
    /// The version.
    pub version: String,
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

/// Repairs a project's record of what is in force. `work` finds the version that is named
/// registered or applied. Errors: see [`Running::enter`] and [`lock_project`]; unknown
/// project or version (42704).
fn repair(
    call: &'static str,
    project: &str,
    version: &Version,
    reason: Option<&str>,
    work: impl FnOnce(&mut Repair, bool) -> Result<()>,
) -> Result<Vec<Changed>> {
    let _running = Running::enter(call)?;
    let store = Store::find()?;
    let batch = store.open()?;
    let Some(found) = batch.project(project, View::Newest)? else {
        return Err(plan::unknown(version, project));
    };
    let project = lock_project(&batch, &found)?;
    let Some((_, applied)) = batch.find(project.id, version.key(), View::Newest)? else {
        return Err(plan::unknown(version, &project.name));
    };
    let mut repair = Repair {
        run: batch.new_run_id()?,
        at: transaction::now(),
        seq: batch.last_seq(project.id, View::Newest)?,
        changed: Vec::new(),
        batch,
        project,
        reason,
    };
    work(&mut repair, applied)?;
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
        version: &str,
        name: &str,
        action: &'static str,
        what: What,
    ) -> Result<()> {
        self.batch.record(&Event {
            project: self.project.id,
            seq: self.seq,
            run: Some(self.run),
            version: Some(version),
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
            version: version.to_owned(),
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
            self.seq += 1;
            self.batch.forget_failure(self.project.id, &migration.key)?;
            self.batch.forget_journal(self.project.id, &migration.key)?;
            let digest = self.batch.mark(migration.id, origin, self.run, self.at, self.seq)?;
            let what = What { digest: Some(&digest), ..What::default() };
            self.record(title(&migration), &migration.name, action, what)?;
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
            self.seq += 1;
            self.batch.forget_failure(self.project.id, &migration.key)?;
            self.batch.forget_journal(self.project.id, &migration.key)?;
            self.batch.unclaim(migration.id)?;
            self.record(&migration.version, &migration.name, "mark_pending", What::default())?;
        }
        Ok(())
    }

    /// Records something about a version without a change of what is in force.
    fn note(&mut self, version: &Version, action: &'static str) -> Result<()> {
        let registered = self.batch.registered_as_pending(&self.project, &[version.key()])?;
        let (text, name) = match registered.into_iter().next() {
            Some(found) => (title(&found).to_owned(), found.name),
            None => (version.text().to_owned(), String::new()),
        };
        self.seq += 1;
        self.record(&text, &name, action, What::default())
    }

    /// That a block of the migration was cut off, of which only people can tell how far it
    /// came. Error: 55000.
    fn check_undecided(&self, version: &Version) -> Result<()> {
        let under_way = self.batch.under_way(self.project.id, View::Newest)?;
        match under_way.get(version.key()) {
            Some(way) if way.undecided => Ok(()),
            way => Err(Error::Decided {
                version: version.text().to_owned(),
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

/// Notes a migration as applied that was applied by other means.
pub fn mark_applied(
    project: &str,
    version: &Version,
    reason: Option<&str>,
) -> Result<Vec<Changed>> {
    repair("migrations.mark_applied()", project, version, reason, |repair, applied| {
        if applied {
            return Ok(());
        }
        let one = repair.batch.registered_as_pending(&repair.project, &[version.key()])?;
        repair.mark(one, Origin::Mark)
    })
}

/// Notes a migration as not applied that was taken back by other means.
pub fn mark_pending(
    project: &str,
    version: &Version,
    reason: Option<&str>,
) -> Result<Vec<Changed>> {
    repair("migrations.mark_pending()", project, version, reason, |repair, applied| {
        if !applied {
            // Begun by a stepwise run and not finished: nothing of it counts any more.
            let had_failed = repair.batch.forget_failure(repair.project.id, version.key())?;
            if repair.batch.forget_journal(repair.project.id, version.key())? || had_failed {
                repair.note(version, "mark_pending")?;
            }
            return Ok(());
        }
        let mut all = repair.batch.in_force(repair.project.id)?;
        all.retain(|m| m.key == version.key());
        repair.unmark(all)
    })
}

/// Notes the statement at which a migration was interrupted as done.
pub fn mark_statement_done(
    project: &str,
    version: &Version,
    reason: Option<&str>,
) -> Result<Vec<Changed>> {
    repair("migrations.mark_statement_done()", project, version, reason, |repair, _| {
        let of = |direction| Of { project: repair.project.id, key: version.key(), direction };
        let (up, down) = (of("up"), of("down"));
        repair.check_undecided(version)?;
        if repair.batch.finish_started(up)? || repair.batch.finish_started(down)? {
            repair.note(version, "mark_statement_done")?;
        }
        Ok(())
    })
}

/// Has the statement at which a migration was interrupted run again.
pub fn retry(project: &str, version: &Version, reason: Option<&str>) -> Result<Vec<Changed>> {
    repair("migrations.retry()", project, version, reason, |repair, _| {
        let of = |direction| Of { project: repair.project.id, key: version.key(), direction };
        let (up, down) = (of("up"), of("down"));
        repair.check_undecided(version)?;
        if repair.batch.forget_started(up)? || repair.batch.forget_started(down)? {
            repair.note(version, "retry")?;
        }
        Ok(())
    })
}

/// Notes all up to this version as applied, and all above as not applied: what
/// golang-migrate's `force` means.
pub fn force(project: &str, version: &Version, reason: Option<&str>) -> Result<Vec<Changed>> {
    repair("migrations.force()", project, version, reason, |repair, _| {
        let mut above = repair.batch.in_force(repair.project.id)?;
        above.retain(|m| m.key.as_slice() > version.key());
        repair.unmark(above)?;
        let up_to = repair.pending_up_to(version)?;
        repair.mark(up_to, Origin::Mark)
    })
}

/// Notes all up to this version as there before pg_migrations came: applied, but never
/// to be rolled back.
pub fn baseline(project: &str, version: &Version, reason: Option<&str>) -> Result<Vec<Changed>> {
    repair("migrations.baseline()", project, version, reason, |repair, _| {
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
    repair("migrations.accept_changes()", project, version, reason, |repair, _| {
        let Some(row) = repair.batch.applied_row(repair.project.id, version.key())? else {
            let (version, project) = (version.text().to_owned(), repair.project.name.clone());
            return Err(Error::NotApplied { version, project });
        };
        let registered = repair.batch.registered_as_pending(&repair.project, &[version.key()])?;
        if registered.is_empty() {
            return Err(plan::unknown(version, &repair.project.name));
        }
        plan::check_ups(&repair.project, &registered)?;
        if let Some(Accepted { name, former, new, changes, is_intact }) =
            repair.batch.accept(row)?
        {
            repair.seq += 1;
            let written = registered[0].version.clone().unwrap_or_default();
            if !is_intact {
                let what = label(Part::Up, Some(&written), &name, &repair.project.name);
                return Err(Error::Corrupt { what });
            }
            let parts = changes.list();
            let what =
                What { digest: Some(&new), former_digest: Some(&former), message: Some(&parts) };
            repair.record(&written, &name, "accept", what)?;
        }
        Ok(())
    })
}
