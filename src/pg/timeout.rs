//! `statement_timeout` inside a call.
//!
//! The server arms it once for the statement that makes the call, and a SET inside does not change
//! the running timer. A script that sets it means each of its own statements, as in psql. So once a
//! script has set it, the caller's timer is stopped, and a timer is armed for each statement. When
//! the script has ended, the caller's timer continues with the time that it had left.

use super::catch::catch;
use super::raw;
use crate::error::Result;
use core::ffi::c_int;
use pgrx::pg_sys;

/// `STATEMENT_TIMEOUT` of the server's enum TimeoutId, the same in 14 to 18.
const STATEMENT: c_int = 3;

/// The setting, in milliseconds; 0 is none.
pub fn setting() -> i32 {
    // SAFETY: reads a variable of this process.
    unsafe { pg_sys::StatementTimeout }
}

/// The statement timers of a script.
pub struct StatementTimer {
    // The setting when the script started.
    callers: i32,
    // Whether the script has a limit of its own, with the milliseconds that the caller's timer had
    // left. None in it: the caller has no limit.
    own: Option<Option<i32>>,
}

impl StatementTimer {
    /// Starts with the caller's timer, if there is one.
    pub fn begin() -> StatementTimer {
        StatementTimer { callers: setting(), own: None }
    }

    /// To be called before each statement: arms the script's own limit, if it has one.
    /// `set`: a statement before has set `statement_timeout`, which counts even if the value is the
    /// caller's.
    pub fn arm(&mut self, set: bool) -> Result<()> {
        if self.own.is_none() && (set || setting() != self.callers) {
            // SAFETY: reads the timer of this process.
            let left = unsafe {
                raw::get_timeout_active(STATEMENT).then(|| {
                    raw::get_timeout_finish_time(STATEMENT) - pg_sys::GetCurrentTimestamp()
                })
            };
            // What is left is at least a millisecond: 0 would mean no limit.
            self.own = Some(left.map(|left| (left / 1000).clamp(1, i32::MAX.into()) as i32));
        }
        if self.own.is_some() {
            arm(Some(setting()).filter(|limit| *limit > 0))?;
        }
        Ok(())
    }

    /// To be called after the last statement, also a failed one.
    fn restore(&mut self) {
        if let Some(left) = self.own.take() {
            // Arming only fails if there are too many timers.
            let _ = arm(left);
        }
    }
}

impl Drop for StatementTimer {
    fn drop(&mut self) {
        self.restore();
    }
}

fn arm(limit: Option<i32>) -> Result<()> {
    // SAFETY: the statement timer exists in every session; it is stopped before it is
    // armed, as the server itself does.
    unsafe {
        catch(|| {
            raw::disable_timeout(STATEMENT, false);
            if let Some(limit) = limit {
                raw::enable_timeout_after(STATEMENT, limit);
            }
        })
    }?;
    Ok(())
}
