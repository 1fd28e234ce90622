//! The session's open cursors.

use super::{catch::catch, cstring, raw};
use crate::error::Result;
use pgrx::pg_sys;

/// A cursor, identified by its name and the time when it was opened. One of the same name that a
/// later statement of the client opens is another one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Cursor {
    name: String,
    opened_at: i64,
}

impl Cursor {
    /// The open cursor of a name, as `pg_cursors` has it. None: there is none.
    pub fn find(name: &str) -> Option<Cursor> {
        // SAFETY: a look-up in a table of this process, by a C string.
        unsafe {
            let portal = pg_sys::GetPortalByName(cstring(name).as_ptr());
            (!portal.is_null())
                .then(|| Cursor { name: name.to_owned(), opened_at: (*portal).creation_time })
        }
    }

    /// Closes it. Errors: the server's, of one that runs.
    pub fn close(&self) -> Result<()> {
        let name = cstring(&self.name);
        let name = name.as_ptr();
        // SAFETY: a C string that outlives the closure; a portal that is there.
        unsafe {
            catch(|| {
                let portal = raw::GetPortalByName(name);
                if !portal.is_null() {
                    raw::PortalDrop(portal, false);
                }
            })?;
        }
        Ok(())
    }
}
