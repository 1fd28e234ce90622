//! The users of this session: who has logged in, who is current, and what they may do.

use crate::error::Result;
use pgrx::pg_sys;
use std::ffi::CStr;

/// The users that a session has at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Users {
    session: u32,
    effective: u32,
    context: i32,
}

impl Users {
    /// The current ones.
    pub fn current() -> Users {
        let (mut user, mut context) = (pg_sys::InvalidOid, 0);
        // SAFETY: reads variables of this process.
        unsafe {
            pg_sys::GetUserIdAndSecContext(&mut user, &mut context);
            Users {
                session: pg_sys::GetSessionUserId().to_u32(),
                effective: user.to_u32(),
                context,
            }
        }
    }

    /// Makes a role the effective user, and adds these flags to the security context.
    pub(super) fn switch_to(self, role: pg_sys::Oid, flags: u32) {
        switch(role, self.context | flags as i32);
    }

    /// Makes the effective user and the security context current again.
    pub(super) fn restore(self) {
        switch(self.effective.into(), self.context);
    }

    /// The name of the effective user.
    pub fn effective_name(&self) -> String {
        name_of(self.effective)
    }

    /// The name of the user that has logged in.
    pub fn session_name(&self) -> String {
        name_of(self.session)
    }
}

fn switch(user: pg_sys::Oid, context: i32) {
    // SAFETY: sets variables of this process.
    unsafe { pg_sys::SetUserIdAndSecContext(user, context) };
}

fn name_of(user: u32) -> String {
    // SAFETY: returns a palloc'ed name, or null for a role that was dropped.
    unsafe {
        let name = pg_sys::GetUserNameFromId(user.into(), true);
        if name.is_null() {
            return user.to_string();
        }
        CStr::from_ptr(name).to_string_lossy().into_owned()
    }
}

/// Does work with the rights of the bootstrap superuser. No code of users may run in it. After
/// an error the abort of the transaction restores the user.
pub fn with_all_rights<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    let former = Users::current();
    former.switch_to(pg_sys::BOOTSTRAP_SUPERUSERID.into(), pg_sys::SECURITY_LOCAL_USERID_CHANGE);
    let done = work()?;
    former.restore();
    Ok(done)
}

/// Whether a function or the server has switched the current user, as a SECURITY DEFINER
/// function does. SET ROLE is no such switch.
pub fn is_switched() -> bool {
    // SAFETY: reads a variable of this process.
    unsafe { pg_sys::InLocalUserIdChange() || pg_sys::InSecurityRestrictedOperation() }
}

/// Whether the current user may read files of the server, by the rule of COPY.
pub fn may_read_server_files() -> bool {
    // SAFETY: look-ups about existing roles.
    unsafe {
        pg_sys::has_privs_of_role(pg_sys::GetUserId(), pg_sys::ROLE_PG_READ_SERVER_FILES.into())
    }
}
