//! Runs plans: plan, checks, execution, record.
//!
//! [`atomic`] is a run in one transaction, [`stepwise`] one with a transaction for each
//! migration. The other files are what they are made of.

pub mod atomic;
pub mod backup;
pub mod commit_in_block;
pub mod conditions;
pub mod constraints;
pub mod dependents;
pub mod errors;
pub mod execute;
pub mod failure;
pub mod half_run;
pub mod naming;
pub mod nontransactional;
pub mod plan;
pub mod preflight;
pub mod record;
pub mod refusal;
pub mod report;
pub mod request;
pub mod requirement;
pub mod retry;
pub mod rollback_plan;
pub mod run;
pub mod run_lock;
pub mod run_mode;
pub mod schedule;
pub mod script;
pub mod script_cache;
pub mod script_check;
pub mod script_settings;
pub mod script_transactions;
pub mod session;
pub mod step;
pub mod step_error;
pub mod stepwise;
pub mod tables;
pub mod transaction_end;
pub mod variables;
pub mod version_order;
