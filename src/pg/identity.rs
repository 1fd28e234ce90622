//! Users: who calls, and working as the owner of our tables for a while.

use super::guc::{GucScope, for_own_statements};
use super::spi::Spi;
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
    /// Those of now.
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

    /// The name of the effective user.
    pub fn effective_name(&self) -> String {
        name_of(self.effective)
    }

    /// The name of the user that has logged in.
    pub fn session_name(&self) -> String {
        name_of(self.session)
    }
}

fn name_of(user: u32) -> String {
    // SAFETY: gives a palloc'ed name, or null for a role that is gone.
    unsafe {
        let name = pg_sys::GetUserNameFromId(user.into(), true);
        if name.is_null() {
            return user.to_string();
        }
        CStr::from_ptr(name).to_string_lossy().into_owned()
    }
}

/// Does work with the rights of the first superuser, in which no code of users runs. An
/// error leaves it to the abort of the transaction to put the user back.
pub fn with_all_rights<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    let former = Users::current();
    let context = former.context | pg_sys::SECURITY_LOCAL_USERID_CHANGE as i32;
    // SAFETY: a role that every database has; then the user that was in force before.
    unsafe {
        pg_sys::SetUserIdAndSecContext(pg_sys::BOOTSTRAP_SUPERUSERID.into(), context);
        let done = work()?;
        pg_sys::SetUserIdAndSecContext(former.effective.into(), former.context);
        Ok(done)
    }
}

/// Whether the current user is one that a function or the server has switched to, and not
/// the one that the session or SET ROLE has: as in a SECURITY DEFINER function.
pub fn is_switched() -> bool {
    // SAFETY: reads a variable of this process.
    unsafe { pg_sys::InLocalUserIdChange() || pg_sys::InSecurityRestrictedOperation() }
}

/// Whether the current user may read files of the server, as COPY asks it.
pub fn may_read_server_files() -> bool {
    // SAFETY: look-ups about existing roles.
    unsafe {
        pg_sys::has_privs_of_role(pg_sys::GetUserId(), pg_sys::ROLE_PG_READ_SERVER_FILES.into())
    }
}

/// SQL as another user, with a search path that finds nothing of a caller's.
///
/// As the server does for index expressions and the like, code of that user's can neither
/// change the session nor leave anything that runs at the caller's commit.
///
/// [`AsOwner::leave`] ends it. When an error ends it instead, the abort of the
/// transaction puts user and settings back.
#[must_use]
pub struct AsOwner {
    former: Users,
    nest: GucScope,
}

impl AsOwner {
    /// Becomes the user. Gives what runs its statements, for [`AsOwner::leave`] to end.
    pub fn enter(owner: pg_sys::Oid) -> Result<(AsOwner, Spi)> {
        let former = Users::current();
        let nest = GucScope::open();
        for_own_statements(&nest)?;
        let switched = pg_sys::SECURITY_LOCAL_USERID_CHANGE | pg_sys::SECURITY_RESTRICTED_OPERATION;
        let context = former.context | switched as i32;
        // SAFETY: an existing role's oid; put back by `leave` or by the abort.
        unsafe { pg_sys::SetUserIdAndSecContext(owner, context) };
        Ok((AsOwner { former, nest }, Spi::connect()?))
    }

    /// Becomes the first superuser, to look at what others may not see.
    pub fn superuser() -> Result<(AsOwner, Spi)> {
        AsOwner::enter(pg_sys::BOOTSTRAP_SUPERUSERID.into())
    }

    /// Becomes the former user again.
    pub fn leave(self, spi: Spi) -> Result<()> {
        spi.finish()?;
        self.nest.undo()?;
        // SAFETY: the user that was in force before.
        unsafe {
            pg_sys::SetUserIdAndSecContext(self.former.effective.into(), self.former.context)
        };
        Ok(())
    }
}
