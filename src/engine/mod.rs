//! Plans and runs migrations.
//!
//! | phase | modules |
//! |---|---|
//! | call | [`request`], [`session`] |
//! | plan | [`plan`], [`version_order`], [`requirement`], [`rollback_plan`], [`dependents`], [`half_run`] |
//! | run | [`atomic`] in one transaction, [`stepwise`] with a transaction for each migration ([`run_lock`], [`retry`]); [`run`], [`step`], [`tables`] |
//! | preflight | [`preflight`], [`script_check`], [`script_transactions`], [`commit_in_block`], [`refusal`], [`run_mode`], [`script_cache`] |
//! | execute | [`execute`], [`conditions`], [`script`], [`script_settings`], [`constraints`], [`transaction_end`], [`nontransactional`] |
//! | record | [`record`], [`report`] |
//! | errors | [`step_error`], [`failure`], [`errors`], [`naming`], [`variables`] |
//!
//! [`backup`] and [`schedule`] are calls that do not run migrations.

pub mod atomic;
pub mod backup;
mod commit_in_block;
pub mod conditions;
pub mod constraints;
pub mod dependents;
pub mod errors;
mod execute;
mod failure;
pub mod half_run;
pub mod naming;
mod nontransactional;
pub mod plan;
mod preflight;
mod record;
mod refusal;
mod report;
pub mod request;
pub mod requirement;
mod retry;
mod rollback_plan;
mod run;
mod run_lock;
pub mod run_mode;
pub mod schedule;
pub mod script;
mod script_cache;
pub mod script_check;
pub mod script_settings;
mod script_transactions;
pub mod session;
pub mod step;
mod step_error;
pub mod stepwise;
mod tables;
mod transaction_end;
pub mod variables;
pub mod version_order;
