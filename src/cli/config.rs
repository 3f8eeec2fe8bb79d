//! Commands about configuration files.

use super::StartArgs;
use crate::config::import::Format;
use clap::{Subcommand, ValueEnum};
use std::path::PathBuf;

#[derive(Subcommand, Debug)]
pub enum ConfigCommand {
    /// Print a file with every key, its default and its meaning, or write it.
    Init {
        /// Where to write it; what exists is left alone.
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// Check a file, and tell everything that is wrong with it.
    Check {
        #[arg(value_name = "FILE", default_value = crate::config::FILE_DEFAULT)]
        file: PathBuf,
    },
    /// Show what flags, environment and file amount to, and where each value comes from.
    Show {
        /// Form of the answer.
        #[arg(long, value_enum, default_value_t, value_name = "FORM")]
        output: ShowForm,
        #[command(flatten)]
        start: Box<StartArgs>,
    },
    /// Print other tools' files as a file of ours: ElasticMQ's configuration, GoAWS', LocalStack's
    /// scripts, Terraform's state and plans. What can't be taken over is told on standard error.
    Import {
        /// By default what the files' names say: .conf, .yaml, .sh, .json or .tfstate.
        #[arg(long, value_enum, value_name = "FORMAT")]
        format: Option<Format>,
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Print the JSON Schema of the file.
    Schema,
    /// Print the reference of the file, in Markdown.
    Reference,
}

#[derive(ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ShowForm {
    /// As a file, with where each value comes from as a comment.
    #[default]
    Toml,
    /// One object for each key: its value and where it comes from.
    Json,
}
