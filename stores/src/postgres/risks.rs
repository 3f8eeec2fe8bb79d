//! Settings of a database with which acknowledged records can be lost.

use std::fmt;
use tokio_postgres::{Client, Error};

/// A setting of the database with which acknowledged records can be lost.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Risk {
    /// `fsync` is off: a crash of the machine may damage all that there is.
    FsyncIsOff,
    /// `synchronous_commit` is off: a crash of the server loses its last moments.
    SynchronousCommitIsOff,
    /// `full_page_writes` is off: a crash of the machine may leave half a page.
    FullPageWritesIsOff,
    /// There are synchronous standbys, and `synchronous_commit` doesn't wait for them.
    StandbysAreNotWaitedFor,
}

impl fmt::Display for Risk {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::FsyncIsOff => {
                "fsync is off in the database: a crash of its machine may lose everything"
            }
            Self::SynchronousCommitIsOff => {
                "synchronous_commit is off in the database: a crash of the server loses what it \
                 acknowledged last"
            }
            Self::FullPageWritesIsOff => {
                "full_page_writes is off in the database: a crash of its machine may damage what is \
                 kept"
            }
            Self::StandbysAreNotWaitedFor => {
                "synchronous_commit is local, though the database has synchronous standbys: a \
                 fail-over loses what was acknowledged last"
            }
        })
    }
}

/// Asks the server, in whose place another may have come since it was last asked.
pub(super) async fn find(client: &Client) -> Result<Vec<Risk>, Error> {
    let row = client
        .query_one(
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
