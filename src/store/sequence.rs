//! The sequences of our tables. Logical replication copies rows but not the state of
//! sequences.

use super::Batch;
use crate::error::Result;
use crate::pg::spi::{Statement, View};
use crate::store::lock;

macro_rules! of_table {
    ($what:literal, $table:literal) => {
        concat!(
            "SELECT ",
            $what,
            "('migrations.",
            $table,
            "_id_seq', m.top)
             FROM (SELECT max(id) AS top FROM migrations.",
            $table,
            ") m,
                  migrations.",
            $table,
            "_id_seq s
             WHERE m.top >= s.last_value + CASE WHEN s.is_called THEN 1 ELSE 0 END"
        )
    };
}

macro_rules! of_all {
    ($what:literal) => {
        concat!(
            of_table!($what, "project"),
            " UNION ALL ",
            of_table!($what, "migration"),
            " UNION ALL ",
            of_table!($what, "applied"),
            " UNION ALL ",
            of_table!($what, "event"),
            " UNION ALL ",
            of_table!($what, "unfinished"),
            " UNION ALL ",
            of_table!($what, "journal")
        )
    };
}

/// Errors of all methods: those of the server; a row is damaged (XX001).
impl Batch<'_> {
    /// Raises sequences that would give the number of an existing row. Call it before rows are
    /// inserted. Errors: the server's, while it waits for the lock.
    pub fn raise_sequences(&self) -> Result<()> {
        const BEHIND: Statement = Statement { sql: of_all!("format"), types: &[] };
        const RAISE: Statement = Statement { sql: of_all!("setval"), types: &[] };
        if self.spi.run(&BEHIND, [], View::Newest)?.count() > 0 {
            // One session at a time: another one may have raised a sequence and inserted rows
            // that are not visible yet. Its sequence must not be set back.
            lock::wait_for_sequences()?;
            self.spi.run(&RAISE, [], View::Newest)?;
            lock::release(lock::SEQUENCES)?;
        }
        Ok(())
    }
}
