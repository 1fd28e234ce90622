//! Runs plans: plan, checks, execution, record.
//!
//! [`atomic`] is a run in one transaction, [`stepwise`] one with a transaction for each
//! migration. The other files are what they are made of.

pub mod apart;
pub mod atomic;
pub mod backup;
pub mod block;
pub mod body;
pub mod check;
pub mod condition;
pub mod constraints;
pub mod ending;
pub mod errors;
pub mod explanation;
pub mod gate;
pub mod half_run;
pub mod hint;
pub mod interrupted;
pub mod nontransactional;
pub mod plan;
pub mod ready;
pub mod report;
pub mod request;
pub mod requirement;
pub mod run;
pub mod schedule;
pub mod session;
pub mod step;
pub mod stepwise;
pub mod surroundings;
pub mod variables;
