//! Settings whose values differ from the defaults of the session's role and database.

use crate::error::Result;
use crate::pg::call::Value;
use crate::pg::guc;
use crate::pg::role::AsRole;
use crate::pg::spi::{Statement, Type, View};
use std::cell::OnceCell;
use std::collections::HashMap;
use std::ffi::CStr;

/// The name of a setting, and the value to set. None: RESET sets it.
pub type Default = (&'static CStr, Option<String>);

thread_local! {
    // The defaults of the settings that the client gave when it connected. They are read once:
    // the server, too, reads what is set for role and database when a session begins.
    static WITHOUT_CLIENT: OnceCell<HashMap<&'static CStr, Option<String>>> =
        const { OnceCell::new() };
}

/// The settings among `names` that do not have their default, with that default: the value that
/// is set for the session's role, for the database or in the server's configuration. Values of
/// SET do not count, and neither do those that a client gives when it connects, such as the time
/// zone that some drivers send. `all` are all names that any call asks for. Errors: the server's.
pub fn changed(all: &[&'static CStr], names: &[&'static CStr]) -> Result<Vec<Default>> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    if WITHOUT_CLIENT.with(|known| known.get().is_none()) {
        let read = without_client(all)?;
        WITHOUT_CLIENT.with(|known| known.set(read).ok());
    }
    WITHOUT_CLIENT.with(|known| {
        let known = known.get();
        let mut changed = Vec::new();
        for name in names {
            match known.and_then(|known| known.get(name)) {
                Some(Some(value)) if guc::has_value(name, value) => {}
                Some(value) => changed.push((*name, value.clone())),
                None if guc::differs_from_reset(name)? => changed.push((*name, None)),
                None => {}
            }
        }
        Ok(changed)
    })
}

fn without_client(names: &[&'static CStr]) -> Result<HashMap<&'static CStr, Option<String>>> {
    const READ: Statement = Statement {
        sql: "SELECT n.n, coalesce(
                  (SELECT substr(c.c, strpos(c.c, '=') + 1)
                   FROM pg_db_role_setting s, unnest(s.setconfig) c
                   WHERE s.setdatabase IN (0, d.oid) AND s.setrole IN (0, r.oid)
                     AND lower(split_part(c.c, '=', 1)) = lower(n.n)
                   ORDER BY s.setrole = 0, s.setdatabase = 0 LIMIT 1),
                  (SELECT f.setting FROM pg_file_settings f
                   WHERE lower(f.name) = lower(n.n) AND f.error IS NULL
                   ORDER BY f.seqno DESC LIMIT 1),
                  (SELECT p.boot_val FROM pg_settings p WHERE p.name = n.n))
              FROM unnest($1) n, pg_database d, pg_roles r
              WHERE d.datname = current_database() AND r.rolname = session_user",
        types: &[Type::TextArray],
    };
    let given = guc::given_at_connection(names);
    if given.is_empty() {
        return Ok(HashMap::new());
    }
    let list = given.iter().map(|name| name.to_string_lossy().into_owned()).collect();
    // The server's configuration is shown to superusers alone.
    let (role, spi) = AsRole::superuser()?;
    let values: HashMap<String, Option<String>> = {
        let found = spi.run(&READ, [Value::TextArray(list)], View::Newest)?;
        found.rows().map(|row| (row.text(0), row.get(1))).collect()
    };
    role.leave(spi)?;
    let value = |name: &&'static CStr| {
        let value = name.to_str().ok().and_then(|name| values.get(name).cloned()).flatten();
        (*name, value)
    };
    Ok(given.iter().map(value).collect())
}
