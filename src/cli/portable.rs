//! Commands that take everything a server has elsewhere.

use super::operate::Server;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// What to export, and where to.
#[derive(Args, Clone, Debug)]
pub struct ExportArgs {
    #[command(flatten)]
    pub server: Server,
    /// File to write; - for standard output.
    pub file: PathBuf,
    /// Only this: queue=NAME, topic=NAME (with its subscriptions and snapshots) or schema=NAME. A name
    /// may end in *. Repeatable.
    #[arg(long, value_name = "KIND=NAME")]
    pub only: Vec<String>,
}

/// What to import, and how.
#[derive(Args, Clone, Debug)]
pub struct ImportArgs {
    #[command(flatten)]
    pub server: Server,
    /// File that lclq export has written.
    pub file: PathBuf,
    /// Only this: queue=NAME, topic=NAME (with its subscriptions and snapshots) or schema=NAME. A name
    /// may end in *. Repeatable.
    #[arg(long, value_name = "KIND=NAME")]
    pub only: Vec<String>,
    /// What to do about what there is already.
    #[arg(long, value_enum, default_value_t)]
    pub on_conflict: OnConflict,
    /// Say what would be done, and do nothing.
    #[arg(long)]
    pub dry_run: bool,
}

/// What becomes of what there is already.
#[derive(ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnConflict {
    /// Nothing is imported.
    #[default]
    Fail,
    /// It stays, and the file's is left out.
    Skip,
    /// The file's takes its place.
    Replace,
}
