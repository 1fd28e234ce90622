//! Our own settings (`migrations.…`), defined once when the library is loaded.

use pgrx::{GucContext, GucFlags, GucRegistry, GucSetting};
use std::ffi::CString;

static PROJECT: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(Some(c"default"));

/// Defines the settings.
pub fn define() {
    GucRegistry::define_string_guc(
        c"migrations.project",
        c"Project of calls that name none.",
        c"A project is a named, independently ordered set of migrations.",
        &PROJECT,
        GucContext::Userset,
        GucFlags::default(),
    );
    #[cfg(not(feature = "pg14"))]
    // SAFETY: a constant C string; reserves the prefix for the settings above.
    unsafe {
        pgrx::pg_sys::MarkGUCPrefixReserved(c"migrations".as_ptr());
    }
}

/// `migrations.project`; `default` where it is empty.
pub fn project() -> String {
    let name = PROJECT.get().map(|name| name.to_string_lossy().into_owned());
    name.filter(|name| !name.is_empty()).unwrap_or_else(|| "default".to_owned())
}
