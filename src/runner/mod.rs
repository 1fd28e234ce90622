//! Runs a plan.
//!
//! [`atomic`] is a run in one transaction; [`registration`], [`repair`] and
//! [`configuration`] change registry, record and projects under the same lock. The other
//! files are what they are made of.

pub mod adoption;
pub mod apart;
pub mod atomic;
pub mod backup;
pub mod beneath;
pub mod block;
mod body;
pub mod bundle;
pub mod check;
pub mod condition;
pub mod configuration;
pub mod constraints;
pub mod ending;
pub mod entrance;
pub mod explanation;
pub mod folder;
pub mod gate;
pub mod half_run;
pub mod hint;
pub mod interrupted;
pub mod loading;
pub mod nontransactional;
pub mod plan;
pub mod ready;
pub mod registration;
pub mod repair;
pub mod report;
pub mod request;
pub mod requirement;
pub mod run;
pub mod schedule;
pub mod status;
pub mod step;
pub mod stepwise;
pub mod surroundings;
mod unset;
pub mod verification;
