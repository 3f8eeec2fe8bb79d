//! What is made of the command line itself: completions for shells, manual pages, the reference.

use super::Cli;
use clap::{CommandFactory, Subcommand};
use std::io::{self, Write};
use std::path::PathBuf;

/// What to make.
#[derive(Subcommand, Clone, Debug)]
pub enum GenerateCommand {
    /// Print what completes lclq's commands in a shell: source <(lclq generate completions bash).
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Write manual pages, one for each command.
    Man {
        /// The directory to write them to; it is made if it isn't there.
        dir: PathBuf,
    },
    /// Print the reference of all commands, as Markdown.
    Reference,
    /// Print the reference of the admin API, as Markdown.
    AdminApi,
    /// Print the admin API as an OpenAPI 3.1 document.
    Openapi,
    /// Print the reference of all metrics, as Markdown.
    Metrics,
}

/// Makes it.
///
/// # Errors
/// It can't be written.
pub fn generate(command: GenerateCommand) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match command {
        GenerateCommand::Completions { shell } => {
            // Into memory first: the generator panics where the reader has gone.
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "lclq", &mut text);
            out.write_all(&text)
        }
        GenerateCommand::Man { dir } => {
            std::fs::create_dir_all(&dir)?;
            clap_mangen::generate_to(Cli::command(), &dir)
        }
        GenerateCommand::AdminApi => out.write_all(crate::admin::reference().as_bytes()),
        GenerateCommand::Openapi => writeln!(out, "{:#}", crate::admin::openapi_document()),
        GenerateCommand::Reference => {
            let options = clap_markdown::MarkdownOptions::new()
                .title("Command line".to_owned())
                .show_footer(false);
            let text = clap_markdown::help_markdown_custom::<Cli>(&options);
            writeln!(out, "{}", text.trim_end())
        }
        GenerateCommand::Metrics => write!(out, "{}", crate::admin::metrics_reference()),
    }
}
