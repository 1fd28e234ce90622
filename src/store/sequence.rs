//! The sequences of our tables, which some ways of copying a database leave behind: logical
//! replication copies rows and no sequences.

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

impl Batch<'_> {
    /// Sees to it that sequences give numbers that no row has. To be called before rows are
    /// made. Errors: those of waiting for a lock.
    pub fn raise_sequences(&self) -> Result<()> {
        const BEHIND: Statement = Statement { sql: of_all!("format"), types: &[] };
        const RAISE: Statement = Statement { sql: of_all!("setval"), types: &[] };
        if self.spi.run(&BEHIND, [], View::Newest)?.count() > 0 {
            // One at a time: another session that has raised one and taken numbers from it,
            // which nobody sees yet, must not have it set back.
            lock::wait_for_sequences()?;
            self.spi.run(&RAISE, [], View::Newest)?;
            lock::release(lock::SEQUENCES)?;
        }
        Ok(())
    }
}
