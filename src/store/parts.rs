//! The columns from which the digest of a migration is computed: the registry and the applied
//! state both have them.

use crate::domain::digest::Parts;
use crate::domain::moment::Moment;
use crate::pg::spi::Row;

/// When a repeatable migration runs, from a column that is never NULL.
pub(super) fn moment(row: &Row, column: usize) -> Moment {
    Moment::parse(&row.text(column)).unwrap_or_else(|| {
        row.damaged(column);
        Moment::default()
    })
}

/// The columns that [`parts`] reads, of the registry or the applied state.
macro_rules! parts_columns {
    ($table:literal) => {
        concat!(
            $table,
            ".digest, ",
            $table,
            ".up_checksum, ",
            $table,
            ".down_checksum, ",
            $table,
            ".precondition_checksum, ",
            $table,
            ".verify_checksum, ",
            $table,
            ".requires, ",
            $table,
            ".on_fail, ",
            $table,
            ".transactional, ",
            $table,
            ".moment"
        )
    };
}
pub(super) use parts_columns;

/// The number of columns of [`parts_columns`].
pub(super) const PARTS_COLUMNS: usize = 9;

/// The digest and its parts, from the columns of a row that begin at `from`.
pub(super) fn parts(row: &Row, from: usize) -> (Vec<u8>, Parts) {
    let parts = Parts {
        up: row.get(from + 1),
        down: row.get(from + 2),
        precondition: row.get(from + 3),
        verify: row.get(from + 4),
        requires: row.texts(from + 5),
        on_fail: row.text(from + 6),
        transactional: row.get(from + 7),
        moment: row.text(from + 8),
    };
    (row.bytes(from), parts)
}
