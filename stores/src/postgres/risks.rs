//! Settings of a database with which acknowledged records can be lost.

use crate::Risk;
use tokio_postgres::{Client, Error};

/// Asks the server, in whose place another may have come since it was last asked.
pub(super) async fn find(client: &Client) -> Result<Vec<Risk>, Error> {
    let row = client
        .query_typed_one(
            "SELECT current_setting('fsync'), current_setting('synchronous_commit'), \
             current_setting('full_page_writes'), \
             coalesce(current_setting('synchronous_standby_names', true), '')",
            &[],
        )
        .await?;
    let fsync: String = row.try_get(0)?;
    let commit: String = row.try_get(1)?;
    let pages: String = row.try_get(2)?;
    let standbys: String = row.try_get(3)?;
    let found = [
        (fsync == "off", Risk::FsyncIsOff),
        (commit == "off", Risk::SynchronousCommitIsOff),
        (pages == "off", Risk::FullPageWritesIsOff),
        (
            commit == "local" && !standbys.is_empty(),
            Risk::StandbysAreNotWaitedFor,
        ),
    ];
    let found = found.into_iter().filter(|(is_there, _)| *is_there);
    Ok(found.map(|(_, risk)| risk).collect())
}
