//! SQL as another role.

use super::guc::{GucScope, for_own_statements};
use super::identity::Users;
use super::spi::Spi;
use crate::error::Result;
use pgrx::pg_sys;

/// SQL as another role, with a search path in which nothing of the caller's is found.
///
/// As when the server evaluates index expressions, code of that role can neither change the
/// session nor leave anything that runs at the caller's commit.
///
/// [`AsRole::leave`] ends it. When an error ends it instead, the abort of the transaction
/// restores user and settings.
#[must_use]
pub struct AsRole {
    former: Users,
    scope: GucScope,
}

impl AsRole {
    /// Switches to the role. Returns the connection that runs its statements;
    /// [`AsRole::leave`] takes it back.
    pub fn enter(role: pg_sys::Oid) -> Result<(AsRole, Spi)> {
        let former = Users::current();
        let scope = GucScope::open();
        for_own_statements(&scope)?;
        let flags = pg_sys::SECURITY_LOCAL_USERID_CHANGE | pg_sys::SECURITY_RESTRICTED_OPERATION;
        former.switch_to(role, flags);
        Ok((AsRole { former, scope }, Spi::connect()?))
    }

    /// Switches to the bootstrap superuser, to read what others may not see.
    pub fn superuser() -> Result<(AsRole, Spi)> {
        AsRole::enter(pg_sys::BOOTSTRAP_SUPERUSERID.into())
    }

    /// Switches back.
    pub fn leave(self, spi: Spi) -> Result<()> {
        spi.finish()?;
        self.scope.undo()?;
        self.former.restore();
        Ok(())
    }
}
