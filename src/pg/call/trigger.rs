//! A call as a trigger.

use super::invocation::Call;
use crate::error::Result;
use crate::pg::argument;
use pgrx::pg_sys::{self, Datum};

/// A change that fires a trigger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Change {
    Insert,
    Update,
    Delete,
    Truncate,
}

/// A call as a trigger.
pub struct Trigger<'a> {
    data: &'a pg_sys::TriggerData,
}

impl<'a> Trigger<'a> {
    /// Errors: the function `name` was not called as a trigger (22023).
    pub fn new(call: &'a Call, name: &str) -> Result<Trigger<'a>> {
        // SAFETY: the context node is checked to be a trigger's before it is read as one; it
        // lives as long as the call.
        unsafe {
            let context = (*call.info()).context;
            if context.is_null() || (*context).type_ != pg_sys::NodeTag::T_TriggerData {
                return Err(argument::invalid(
                    format!("migrations.{name}() was not called as a trigger"),
                    "It belongs to the tables of pg_migrations.",
                ));
            }
            Ok(Trigger { data: &*context.cast::<pg_sys::TriggerData>() })
        }
    }

    /// The name of the table.
    pub fn table(&self) -> String {
        // SAFETY: the trigger's relation is open; its name is a C string.
        unsafe {
            let name = &(*(*self.data.tg_relation).rd_rel).relname.data;
            std::ffi::CStr::from_ptr(name.as_ptr()).to_string_lossy().into_owned()
        }
    }

    /// The change.
    pub fn change(&self) -> Change {
        match self.data.tg_event & pg_sys::TRIGGER_EVENT_OPMASK {
            pg_sys::TRIGGER_EVENT_INSERT => Change::Insert,
            pg_sys::TRIGGER_EVENT_UPDATE => Change::Update,
            pg_sys::TRIGGER_EVENT_DELETE => Change::Delete,
            _ => Change::Truncate,
        }
    }

    /// Answers a trigger that lets the change happen, with the row as it is to be.
    pub fn pass(&self) -> Datum {
        Datum::from(match self.change() {
            Change::Update => self.data.tg_newtuple,
            Change::Insert | Change::Delete | Change::Truncate => self.data.tg_trigtuple,
        })
    }
}
