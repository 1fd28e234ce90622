//! What `pg_stat_activity` shows of this session.

use super::{catch::catch, cstring, raw};
use pgrx::pg_sys;

/// While it lives, the session can show what it runs. Afterwards it shows the client's statement
/// again.
pub struct Activity {
    #[cfg(not(feature = "pg18"))]
    query_id: u64,
    #[cfg(feature = "pg18")]
    query_id: i64,
}

impl Activity {
    /// Remembers what is shown.
    pub fn begin() -> Activity {
        // SAFETY: reads this session's own entry.
        let query_id = unsafe { pg_sys::pgstat_get_my_query_id() };
        Activity { query_id }
    }

    /// Shows a text in the column `query`. The server cuts it to track_activity_query_size.
    pub fn show(&self, text: &str) {
        let text = cstring(text);
        report(text.as_ptr());
    }
}

impl Drop for Activity {
    fn drop(&mut self) {
        // SAFETY: the client's statement, or null; the identifier that was shown with it.
        unsafe {
            report(pg_sys::debug_query_string);
            pg_sys::pgstat_report_query_id(self.query_id, true);
        }
    }
}

fn report(text: *const core::ffi::c_char) {
    // SAFETY: a C string or null. Should an error be thrown, `catch` ends it here.
    let _ =
        unsafe { catch(|| raw::pgstat_report_activity(pg_sys::BackendState::STATE_RUNNING, text)) };
}
