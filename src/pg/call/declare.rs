//! The macros that declare SQL functions.

/// Declares a SQL function or procedure, and defines its C symbol `migrations_NAME`.
///
/// ```text
/// declare! {
///     /// What it does.
///     function next_version(NextVersion {
///         project: Project = NULL,
///         width: Option<i32> = NULL,
///     }) -> value String;
/// }
///
/// fn next_version(arguments: NextVersion) -> Result<String> { … }
/// ```
///
/// Arguments are declared with their names, types of Rust ([`super::Argument`]: an `Option` may
/// be NULL) and defaults. They become the fields of a struct. The result says how the Rust
/// function of the same name is called:
///
/// | declared | called as |
/// |---|---|
/// | `function f(F {…}) -> value T` | `fn f(F) -> Result<T>` |
/// | `function f(F {…}) -> value T, stable` | the same; SQL declares it STABLE |
/// | `function f(F {…}) -> rows R` | `fn f(F, &mut Rows<R>) -> Result<()>` |
/// | `procedure f(F {…}) -> row R` | `fn f(F, &Call) -> Result<R>`; R has the INOUT arguments |
/// | `refusal f(F {…}) as { function g -> rows R; … }` | `fn f(F, &Call) -> Result<Infallible>`; SQL calls the symbol in several functions |
/// | `trigger f` | `fn f(&Trigger) -> Result<()>`, whatever version the extension has |
///
/// R is declared by [`super::record!`].
macro_rules! declare {
    ($(#[$doc:meta])* function $name:ident($arguments:ident $fields:tt) -> value $result:ty $(, $stable:ident)?;) => {
        $crate::pg::call::declare!(@arguments $(#[$doc])* $arguments $fields);
        $crate::pg::call::declare!(@entry $name, |call| {
            const DECLARATION: &$crate::pg::call::Declaration = &$crate::pg::call::declare!(
                @declaration $arguments [function $name value $result $(, $stable)?]
            );
            let arguments = $crate::pg::call::decode(call, DECLARATION)?;
            let result: $result = $name(arguments)?;
            $crate::pg::call::value(call, result, DECLARATION)
        });
    };
    ($(#[$doc:meta])* function $name:ident($arguments:ident $fields:tt) -> rows $row:ident;) => {
        $crate::pg::call::declare!(@arguments $(#[$doc])* $arguments $fields);
        $crate::pg::call::declare!(@entry $name, |call| {
            const DECLARATION: &$crate::pg::call::Declaration =
                &$crate::pg::call::declare!(@declaration $arguments [function $name rows $row]);
            let arguments = $crate::pg::call::decode(call, DECLARATION)?;
            let mut rows = $crate::pg::call::Rows::<$row>::new(call, DECLARATION)?;
            $name(arguments, &mut rows)?;
            Ok(rows.finish())
        });
    };
    ($(#[$doc:meta])* procedure $name:ident($arguments:ident $fields:tt) -> row $row:ident;) => {
        $crate::pg::call::declare!(@arguments $(#[$doc])* $arguments $fields);
        $crate::pg::call::declare!(@entry $name, |call| {
            const DECLARATION: &$crate::pg::call::Declaration =
                &$crate::pg::call::declare!(@declaration $arguments [procedure $name row $row]);
            let arguments = $crate::pg::call::decode(call, DECLARATION)?;
            let row: $row = $name(arguments, call)?;
            $crate::pg::call::row(call, row, DECLARATION)
        });
    };
    (
        $(#[$doc:meta])* refusal $name:ident($arguments:ident $fields:tt) as {
            $($kind:ident $sql:ident -> $shape:ident $row:ident;)+
        }
    ) => {
        $crate::pg::call::declare!(@arguments $(#[$doc])* $arguments $fields);
        $crate::pg::call::declare!(@entry $name, |call| {
            const DECLARATION: &$crate::pg::call::Declaration =
                &$crate::pg::call::declare!(@declaration $arguments $([$kind $sql $shape $row])+);
            let arguments = $crate::pg::call::decode(call, DECLARATION)?;
            match $name(arguments, call)? {}
        });
    };
    (trigger $name:ident;) => {
        $crate::pg::call::declare!(@entry $name, |call| {
            let trigger = $crate::pg::call::Trigger::new(call, stringify!($name))?;
            $name(&trigger)?;
            Ok(trigger.pass())
        });
    };

    (@arguments $(#[$doc:meta])* $arguments:ident {
        $($field:ident: $kind:ty $(= $default:tt)?),* $(,)?
    }) => {
        $(#[$doc])*
        struct $arguments {
            $($field: $kind),*
        }

        impl $crate::pg::call::Arguments for $arguments {
            const LIST: &'static [$crate::pg::call::Parameter] = &[$(
                $crate::pg::call::Parameter {
                    name: stringify!($field),
                    kind: <<$kind as $crate::pg::call::Argument>::Sql
                        as $crate::pg::call::FromSql>::TYPE,
                    default: $crate::pg::call::declare!(@default $($default)?),
                }
            ),*];

            fn decode(given: &mut $crate::pg::call::Given<'_>) -> $crate::error::Result<Self> {
                Ok($arguments { $($field: given.next(stringify!($field))?),* })
            }
        }
    };
    (@default) => { None };
    (@default $default:tt) => { Some(stringify!($default)) };

    (@declaration $arguments:ident $($signature:tt)+) => {
        $crate::pg::call::Declaration {
            arguments: <$arguments as $crate::pg::call::Arguments>::LIST,
            signatures: &[$($crate::pg::call::declare!(@signature $signature)),+],
        }
    };
    (@signature [$kind:ident $name:ident $shape:ident $result:ty $(, $stable:ident)?]) => {
        $crate::pg::call::Signature {
            name: stringify!($name),
            is_procedure: $crate::pg::call::declare!(@is_procedure $kind),
            is_stable: $crate::pg::call::declare!(@is_stable $($stable)?),
            result: $crate::pg::call::declare!(@shape $shape $result),
        }
    };
    (@is_procedure function) => { false };
    (@is_procedure procedure) => { true };
    (@is_stable) => { false };
    (@is_stable stable) => { true };
    (@shape value $result:ty) => {
        $crate::pg::call::Shape::Value(<$result as $crate::pg::call::Answer>::TYPE)
    };
    (@shape rows $row:ty) => {
        $crate::pg::call::Shape::Rows(
            <$row as $crate::pg::call::Record>::NAME,
            <$row as $crate::pg::call::Record>::FIELDS,
        )
    };
    (@shape row $row:ty) => {
        $crate::pg::call::Shape::Row(<$row as $crate::pg::call::Record>::FIELDS)
    };

    // The C function (of the version-1 convention), and how the server is to call it.
    (@entry $name:ident, |$call:ident| $code:block) => {
        const _: () = {
            /// # Safety
            /// To be called by the server's function manager alone.
            #[allow(unsafe_code)]
            #[unsafe(export_name = concat!("migrations_", stringify!($name)))]
            unsafe extern "C-unwind" fn entry(
                info: pgrx::pg_sys::FunctionCallInfo,
            ) -> pgrx::pg_sys::Datum {
                // SAFETY: the function manager gives a valid call.
                unsafe {
                    $crate::pg::entry::enter(info, |$call: &$crate::pg::call::Call| $code)
                }
            }

            #[allow(unsafe_code)]
            #[unsafe(export_name = concat!("pg_finfo_migrations_", stringify!($name)))]
            extern "C-unwind" fn convention() -> *const pgrx::pg_sys::Pg_finfo_record {
                const RECORD: pgrx::pg_sys::Pg_finfo_record =
                    pgrx::pg_sys::Pg_finfo_record { api_version: 1 };
                &RECORD
            }
        };
    };
}
pub(crate) use declare;

/// Declares the rows that a function gives, or the INOUT arguments of a procedure, as a struct.
///
/// ```text
/// record! {
///     /// A row of `status()`.
///     Described as migration_status { project: String, version: Option<String> }
/// }
/// ```
///
/// `as` names the composite type of SQL. Its columns have the names, order and types
/// ([`super::Answer`]) of the fields.
macro_rules! record {
    ($(#[$doc:meta])* $row:ident $(as $name:ident)? {
        $($field:ident: $kind:ty),* $(,)?
    }) => {
        $(#[$doc])*
        #[allow(missing_docs)]
        pub struct $row {
            $(pub $field: $kind),*
        }

        // SAFETY: each value is that of its field, encoded by the field's type.
        #[allow(unsafe_code)]
        unsafe impl $crate::pg::call::Record for $row {
            const NAME: &'static str = concat!($(stringify!($name))?);
            const FIELDS: &'static [$crate::pg::call::Field] = &[$(
                $crate::pg::call::Field {
                    name: stringify!($field),
                    kind: <$kind as $crate::pg::call::Answer>::TYPE,
                }
            ),*];

            fn values(self) -> Vec<$crate::pg::call::Value> {
                vec![$($crate::pg::call::Answer::value(self.$field)),*]
            }
        }
    };
}
pub(crate) use record;
