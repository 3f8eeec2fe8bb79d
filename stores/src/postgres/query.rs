//! A statement as it is asked, whatever stands between here and the database.

use super::settings::Pooling;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error, Row, Statement};

pub(super) type Parameters<'a> = &'a [&'a (dyn ToSql + Sync)];

/// A statement and its parameters' types. Prepared, where the next statement meets the same session; else it is
/// planned anew each time, since nothing that was said before holds.
pub(super) struct Query {
    text: String,
    types: Vec<Type>,
    prepared: Option<Statement>,
}

impl Query {
    pub async fn new(
        client: &Client,
        pooling: Pooling,
        text: String,
        types: &[Type],
    ) -> Result<Self, Error> {
        let prepared = match pooling {
            Pooling::Session => Some(client.prepare_typed(&text, types).await?),
            Pooling::Transaction => None,
        };
        let types = types.to_vec();
        Ok(Self {
            text,
            types,
            prepared,
        })
    }

    pub async fn rows(&self, client: &Client, with: Parameters<'_>) -> Result<Vec<Row>, Error> {
        match &self.prepared {
            Some(prepared) => client.query(prepared, with).await,
            None => client.query_typed(&self.text, &self.typed(with)).await,
        }
    }

    /// Answers how many rows it was about.
    pub async fn execute(&self, client: &Client, with: Parameters<'_>) -> Result<u64, Error> {
        match &self.prepared {
            Some(prepared) => client.execute(prepared, with).await,
            None => client.execute_typed(&self.text, &self.typed(with)).await,
        }
    }

    fn typed<'a>(&self, with: Parameters<'a>) -> Vec<(&'a (dyn ToSql + Sync), Type)> {
        with.iter()
            .copied()
            .zip(self.types.iter().cloned())
            .collect()
    }
}
