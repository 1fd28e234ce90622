//! Recording that all versions up to one are applied: force(), baseline() and what adopt()
//! records.

use super::migration_ref::MigrationRef;
use super::record::{RecordChange, Repair, repair};
use crate::domain::version::{Version, is_repeatable};
use crate::engine::half_run;
use crate::engine::version_order::in_order;
use crate::error::Result;
use crate::pg::spi::View;
use crate::store::applied::Origin;
use crate::store::overview::Pending;

/// Records all versions up to this one as applied, and all above as pending: the meaning of
/// golang-migrate's `force`. Returns the changes. Errors: those of [`repair`]; a stepwise run has
/// begun a migration (55000).
pub fn force(project: &str, version: &Version, reason: Option<&str>) -> Result<Vec<RecordChange>> {
    record_up_to("migrations.force()", project, version, reason, Origin::Mark)
}

/// Records what another tool has applied: all versions up to this one are baselines, which are
/// never rolled back, and all above are pending. Returns the changes. Errors: those of [`force`].
pub(super) fn adopt(project: &str, version: &Version, reason: &str) -> Result<Vec<RecordChange>> {
    record_up_to("migrations.adopt()", project, version, Some(reason), Origin::Baseline)
}

/// Records all versions up to this one as applied, and all above as pending.
fn record_up_to(
    call: &'static str,
    project: &str,
    version: &Version,
    reason: Option<&str>,
    origin: Origin,
) -> Result<Vec<RecordChange>> {
    repair(call, project, &MigrationRef::of_version(version), reason, |repair, _, _| {
        half_run::refuse(&repair.batch, &repair.project)?;
        let mut above = repair.batch.applied_versions(repair.project.id)?;
        above.retain(|m| m.key.as_slice() > version.key());
        repair.record_pending(above)?;
        let up_to = repair.pending_up_to(version)?;
        repair.record_applied(up_to, origin)
    })
}

/// Records all versions up to this one as baselines: they were applied before pg_migrations was
/// installed, and are never rolled back. Returns the changes. Errors: those of [`force`].
pub fn baseline(
    project: &str,
    version: &Version,
    reason: Option<&str>,
) -> Result<Vec<RecordChange>> {
    repair(
        "migrations.baseline()",
        project,
        &MigrationRef::of_version(version),
        reason,
        |repair, _, _| {
            half_run::refuse(&repair.batch, &repair.project)?;
            let up_to = repair.pending_up_to(version)?;
            repair.record_applied(up_to, Origin::Baseline)
        },
    )
}

impl Repair<'_> {
    /// The pending versions up to this one, in the order in which a run would apply them.
    fn pending_up_to(&self, version: &Version) -> Result<Vec<Pending>> {
        let mut pending = self.batch.differences(&self.project, View::Newest)?.pending;
        pending.retain(|m| !is_repeatable(&m.key) && m.key.as_slice() <= version.key());
        in_order(&self.project, pending)
    }
}
