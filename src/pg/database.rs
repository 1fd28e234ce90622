//! Which database this is.

use pgrx::pg_sys;

/// What distinguishes this database from all others: in another one the same numbers mean other
/// objects.
pub fn identity() -> String {
    // SAFETY: reads the control file's copy in shared memory, and a variable of this process.
    unsafe { format!("{}/{}", pg_sys::GetSystemIdentifier(), pg_sys::MyDatabaseId.to_u32()) }
}
