//! Rows that are not what was written: told apart, named, and set aside.

use super::sums::Summed;
use crate::journal::JournalError;
use rusqlite::{Connection, TransactionBehavior, params_from_iter};
use std::fmt;

/// Damaged rows that a load sets aside. Beyond that the file is not one to go on with.
const DAMAGED_ROWS_MAX: usize = 10_000;

/// A row whose checksum does not fit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DamagedRow {
    table: &'static str,
    columns: &'static str,
    /// Values of the key's columns, bit for bit.
    key: Vec<i64>,
}

impl DamagedRow {
    pub(super) fn new(of: Summed, key: &[i64]) -> Self {
        Self {
            table: of.table(),
            columns: key_of(of),
            key: key.to_vec(),
        }
    }

    /// A condition in SQL that only this row meets, given [`DamagedRow::key`].
    fn condition(&self) -> String {
        let columns = self.columns.split(", ").enumerate();
        let terms: Vec<String> = columns
            .map(|(at, column)| format!("{column} = ?{}", at + 1))
            .collect();
        terms.join(" AND ")
    }
}

/// `messages, sequence 17`
impl fmt::Display for DamagedRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.table)?;
        for (column, value) in self.columns.split(", ").zip(&self.key) {
            write!(f, ", {column} {}", *value as u64)?;
        }
        Ok(())
    }
}

/// The columns that a row is found by.
pub(super) fn key_of(of: Summed) -> &'static str {
    match of {
        Summed::Messages | Summed::MessageCounts | Summed::Deduplication | Summed::Published => {
            "sequence"
        }
        Summed::Outbox => "target, number",
        Summed::Deliveries => "sequence, subscription_id",
        Summed::Queues | Summed::Resources => "id",
        Summed::OutboxConfirmed => "target",
        Summed::Inbox => "source",
        Summed::Meta => "value",
    }
}

/// Damaged rows that were met in one pass.
#[derive(Debug, Default)]
pub(super) struct Damaged(Vec<DamagedRow>);

impl Damaged {
    pub fn add(&mut self, row: DamagedRow) -> Result<(), JournalError> {
        if self.0.len() >= DAMAGED_ROWS_MAX {
            return Err(JournalError::Corrupt(format!(
                "more than {DAMAGED_ROWS_MAX} rows are damaged, {row} the latest"
            )));
        }
        self.0.push(row);
        Ok(())
    }

    /// Moves the rows to the table `damaged`, all or none, and answers them.
    pub fn set_aside(self, connection: &mut Connection) -> Result<Vec<DamagedRow>, JournalError> {
        if self.0.is_empty() {
            return Ok(self.0);
        }
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for row in &self.0 {
            let condition = row.condition();
            keep_copy(&transaction, row.table, &condition, &row.key)?;
            transaction.execute(
                &format!("DELETE FROM {} WHERE {condition}", row.table),
                params_from_iter(&row.key),
            )?;
        }
        transaction.commit()?;
        Ok(self.0)
    }
}

/// The columns of a table, in order.
pub(super) fn columns_of(connection: &Connection, table: &str) -> rusqlite::Result<Vec<String>> {
    let mut names = connection.prepare("SELECT name FROM pragma_table_info(?1)")?;
    names.query_map([table], |row| row.get(0))?.collect()
}

/// Copies rows of `table` that meet `condition` to the table `damaged`.
pub(super) fn keep_copy(
    connection: &Connection,
    table: &str,
    condition: &str,
    parameters: &[i64],
) -> rusqlite::Result<usize> {
    let columns = columns_of(connection, table)?;
    let columns: Vec<String> = columns
        .iter()
        .map(|name| format!("quote({name})"))
        .collect();
    connection.execute(
        &format!(
            "INSERT INTO damaged (source, columns)
             SELECT '{table}', {} FROM {table} WHERE {condition}",
            columns.join(" || ', ' || ")
        ),
        params_from_iter(parameters),
    )
}
