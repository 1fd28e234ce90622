//! Functions that correct the record and run nothing. Each gives a row for each migration whose
//! record has changed.

use super::arguments::Project;
use crate::domain::text::quoted;
use crate::domain::version::Version;
use crate::error::Result;
use crate::pg::argument;
use crate::pg::call::{Rows, declare, record};
use crate::repair::{self, MigrationRef, RecordChange, adopt};

record! {
    /// A migration whose record has changed.
    ChangedRecord as changed_record {
        project: String,
        version: Option<String>,
        name: String,
        action: &'static str,
    }
}

fn add_all(rows: &mut Rows<ChangedRecord>, changes: Vec<RecordChange>) {
    for RecordChange { project, version, name, action } in changes {
        rows.add(ChangedRecord { project, version, name, action });
    }
}

declare! {
    /// Records a migration as applied.
    function mark_applied(MarkApplied {
        version: String,
        project: Project = NULL,
        reason: Option<String> = NULL,
    }) -> rows ChangedRecord;
}

fn mark_applied(arguments: MarkApplied, rows: &mut Rows<ChangedRecord>) -> Result<()> {
    let MarkApplied { version, project, reason } = arguments;
    add_all(rows, repair::mark_applied(&project, &MigrationRef::new(&version), reason.as_deref())?);
    Ok(())
}

declare! {
    /// Records a migration as not applied.
    function mark_pending(MarkPending {
        version: String,
        project: Project = NULL,
        reason: Option<String> = NULL,
    }) -> rows ChangedRecord;
}

fn mark_pending(arguments: MarkPending, rows: &mut Rows<ChangedRecord>) -> Result<()> {
    let MarkPending { version, project, reason } = arguments;
    add_all(rows, repair::mark_pending(&project, &MigrationRef::new(&version), reason.as_deref())?);
    Ok(())
}

declare! {
    /// Records all migrations up to a version as applied, and those after it as not applied.
    function force(Force {
        version: Version,
        project: Project = NULL,
        reason: Option<String> = NULL,
    }) -> rows ChangedRecord;
}

fn force(arguments: Force, rows: &mut Rows<ChangedRecord>) -> Result<()> {
    let Force { version, project, reason } = arguments;
    add_all(rows, repair::force(&project, &version, reason.as_deref())?);
    Ok(())
}

declare! {
    /// Records all migrations up to a version as applied before pg_migrations was installed.
    function baseline(Baseline {
        version: Version,
        project: Project = NULL,
        reason: Option<String> = NULL,
    }) -> rows ChangedRecord;
}

fn baseline(arguments: Baseline, rows: &mut Rows<ChangedRecord>) -> Result<()> {
    let Baseline { version, project, reason } = arguments;
    add_all(rows, repair::baseline(&project, &version, reason.as_deref())?);
    Ok(())
}

declare! {
    /// Records what is registered of an applied migration as what was applied.
    function accept_changes(AcceptChanges {
        version: Version,
        project: Project = NULL,
        reason: Option<String> = NULL,
    }) -> rows ChangedRecord;
}

fn accept_changes(arguments: AcceptChanges, rows: &mut Rows<ChangedRecord>) -> Result<()> {
    let AcceptChanges { version, project, reason } = arguments;
    add_all(rows, repair::accept_changes(&project, &version, reason.as_deref())?);
    Ok(())
}

declare! {
    /// The same for all modified migrations of a project, whose number `confirm` repeats.
    function accept_all_changes(AcceptAllChanges {
        project: Project = NULL,
        reason: Option<String> = NULL,
        confirm: Option<i32> = NULL,
    }) -> rows ChangedRecord;
}

fn accept_all_changes(arguments: AcceptAllChanges, rows: &mut Rows<ChangedRecord>) -> Result<()> {
    let AcceptAllChanges { project, reason, confirm } = arguments;
    add_all(rows, repair::accept_all_changes(&project, reason.as_deref(), confirm)?);
    Ok(())
}

declare! {
    /// Records the statement at which a migration was interrupted as done.
    function mark_statement_done(MarkStatementDone {
        version: String,
        project: Project = NULL,
        reason: Option<String> = NULL,
    }) -> rows ChangedRecord;
}

fn mark_statement_done(arguments: MarkStatementDone, rows: &mut Rows<ChangedRecord>) -> Result<()> {
    let MarkStatementDone { version, project, reason } = arguments;
    let named = MigrationRef::new(&version);
    add_all(rows, repair::mark_statement_done(&project, &named, reason.as_deref())?);
    Ok(())
}

declare! {
    /// Makes the next run execute the statement again at which a migration was interrupted.
    function retry(Retry {
        version: String,
        project: Project = NULL,
        reason: Option<String> = NULL,
    }) -> rows ChangedRecord;
}

fn retry(arguments: Retry, rows: &mut Rows<ChangedRecord>) -> Result<()> {
    let Retry { version, project, reason } = arguments;
    add_all(rows, repair::retry(&project, &MigrationRef::new(&version), reason.as_deref())?);
    Ok(())
}

declare! {
    /// Records as applied what another tool has applied.
    function adopt(Adopt {
        tool: String,
        project: Project = NULL,
        reason: Option<String> = NULL,
    }) -> rows ChangedRecord;
}

fn adopt(arguments: Adopt, rows: &mut Rows<ChangedRecord>) -> Result<()> {
    let Adopt { tool, project, reason } = arguments;
    if !adopt::TOOLS.contains(&tool.as_str()) {
        return Err(argument::invalid(
            format!("unknown tool {}", quoted(&tool)),
            format!("Known tools: {}.", adopt::TOOLS.join(", ")),
        ));
    }
    add_all(rows, adopt::golang_migrate(&project, reason.as_deref())?);
    Ok(())
}
