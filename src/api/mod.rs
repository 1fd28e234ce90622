//! Every SQL-callable function and nothing else: arguments in, one call, rows out.

pub mod guard;
pub mod look;
pub mod register;
pub mod run;

use crate::domain::version::Version;
use crate::error::{Error, Result};
use crate::pg::call::Call;
use crate::pg::settings;

/// The argument `project`: NULL is the setting `migrations.project`.
fn project(call: &Call, n: usize) -> Result<String> {
    let name = call.text(n).unwrap_or_else(settings::project);
    if name.is_empty() || name.contains(':') || name.chars().any(char::is_control) {
        return Err(Error::InvalidArgument {
            message: format!("invalid project name \"{}\"", name.escape_debug()),
            hint: "Use a name without colons and control characters, such as billing.".to_owned(),
        });
    }
    Ok(name)
}

/// A version that a call names.
fn version(text: &str) -> Result<Version> {
    Version::parse(text).map_err(|why| Error::InvalidVersion { version: text.to_owned(), why })
}
