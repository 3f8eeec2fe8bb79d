//! The `lclq` program: arguments in, exit code out.

mod memory;
mod names;

use clap::ArgMatches;
use lclq::cli::{
    ClusterCommand, Command, ConfigCommand, LogCommand, PolicyCommand, ShowForm, StartArgs,
};
use lclq::config::import::{Format, Imported};
use lclq::config::{self, Config, Source};
use lclq::operate;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: lclq::allocator::Allocator = lclq::allocator::Allocator;

/// Exit code where what was given can't be used; clap's, too.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    names::ask_files_and_dns();
    // A server has message transforms done by processes of their own, of this same program.
    if let Some(code) = lclq::pubsub::transform::run_if_asked() {
        return code;
    }
    let (cli, matches) = config::parse(std::env::args_os()).unwrap_or_else(|error| error.exit());
    let outcome = match cli.command {
        Command::Start(args) => start(&args, &matches),
        Command::Config(command) => configuration(command, &matches),
        Command::Credentials(command) => lclq::credentials::run(command)
            .map_err(Failure::new)
            .and_then(|text| print(&text)),
        Command::Policy(command) => decided(command),
        Command::Health(server) => operated(operate::health(&server)),
        Command::Stats(server) => operated(operate::stats(&server)),
        Command::Shards(server) => operated(operate::shards(&server)),
        Command::Queue(args) => operated(operate::queue(args)),
        Command::Message(args) => operated(operate::message(args)),
        Command::Topic(args) => operated(operate::topic(args)),
        Command::Subscription(args) => operated(operate::subscription(args)),
        Command::Snapshot(args) => operated(operate::snapshot(args)),
        Command::Schema(args) => operated(operate::schema(args)),
        Command::Export(args) => operated(operate::export(&args)),
        Command::Import(args) => operated(operate::import(&args)),
        Command::Cluster(command) => clustered(command),
        Command::Log(LogCommand::Dump(args)) => {
            let mut out = std::io::BufWriter::new(std::io::stdout().lock());
            let dumped = lclq::store_tools::log_dump::dump(&args, &mut out).map_err(Failure::new);
            dumped.and_then(|()| {
                let flushed = out.flush();
                flushed.map_err(|error| Failure::new(format!("can't write the records: {error}")))
            })
        }
        Command::State(args) => operated(operate::state(args)),
        Command::Clock(args) => operated(operate::clock(args)),
        Command::Fault(args) => operated(operate::fault(args)),
        Command::Profile(args) => operated(operate::profile(args)),
        Command::Region(args) => operated(operate::region(args)),
        Command::Connection(args) => operated(operate::connection(args)),
        Command::Shard(args) => operated(operate::shard(args)),
        Command::Core(args) => operated(operate::core(args)),
        Command::Tail(args) => operated(operate::tail(&args)),
        Command::Events(args) => operated(operate::events(&args)),
        Command::Top(args) => operated(operate::top(&args)),
        Command::Generate(command) => lclq::cli::generate(command)
            .map_err(|error| Failure::new(format!("can't write it: {error}"))),
    };
    let code = match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            for line in &failure.lines {
                lclq::log::last_words(line);
            }
            ExitCode::from(failure.code)
        }
    };
    lclq::log::flush();
    code
}

/// Why nothing came of a command.
struct Failure {
    lines: Vec<String>,
    code: u8,
}

impl Failure {
    fn new(error: impl std::fmt::Display) -> Self {
        Self {
            lines: vec![error.to_string()],
            code: 1,
        }
    }

    /// What can't be used of flags, variables and files, a line for each.
    fn usage(lines: Vec<String>) -> Self {
        Self { lines, code: USAGE }
    }
}

fn operated(outcome: Result<(), operate::Failure>) -> Result<(), Failure> {
    outcome.map_err(|failure| Failure {
        code: failure.exit_code(),
        ..Failure::new(failure)
    })
}

fn clustered(command: ClusterCommand) -> Result<(), Failure> {
    use lclq::store_tools::{cluster_check, cluster_status, cluster_wishes};
    let out = &mut std::io::stdout().lock();
    match command {
        ClusterCommand::Status(args) => cluster_status::status(&args, out).map_err(Failure::new),
        ClusterCommand::Drain(args) => cluster_wishes::drain(&args, out).map_err(Failure::new),
        ClusterCommand::Move(args) => cluster_wishes::move_shard(&args, out).map_err(Failure::new),
        ClusterCommand::Check(args) => cluster_check::check(&args, out).map_err(Failure::new),
    }
}

fn start(args: &StartArgs, matches: &ArgMatches) -> Result<(), Failure> {
    let source = Source::of(args, matches).map_err(Failure::usage)?;
    let loaded = source.load().map_err(Failure::usage)?;
    let config = Config::resolve(loaded, source).map_err(Failure::new)?;
    lclq::log::start(&config).map_err(Failure::new)?;
    if args.check {
        return lclq::server::check(config).map_err(Failure::new);
    }
    lclq::server::run(config).map_err(Failure::new)
}

fn decided(command: PolicyCommand) -> Result<(), Failure> {
    let answer = lclq::policies::run(command).map_err(Failure::usage)?;
    print(&answer.text)?;
    if answer.yes {
        return Ok(());
    }
    let (lines, code) = (Vec::new(), 1);
    Err(Failure { lines, code })
}

fn configuration(command: ConfigCommand, matches: &ArgMatches) -> Result<(), Failure> {
    let text = match command {
        ConfigCommand::Init { file: None } => config::text::init(),
        ConfigCommand::Init { file: Some(path) } => return write_new(&path, &config::text::init()),
        ConfigCommand::Check { file } => {
            let read = config::file::read(&file).map_err(Failure::usage)?;
            config::layers::merge([read.layer]).map_err(Failure::usage)?;
            format!("{}: good\n", file.display())
        }
        ConfigCommand::Show { output, start } => {
            let source = Source::of(&start, matches).map_err(Failure::usage)?;
            let loaded = source.load().map_err(Failure::usage)?;
            match output {
                ShowForm::Toml => config::text::show_toml(&loaded),
                ShowForm::Json => format!("{:#}\n", config::text::show_json(&loaded)),
            }
        }
        ConfigCommand::Import { format, files } => return import(format, &files),
        ConfigCommand::Schema => format!("{:#}\n", config::schema::of_file()),
        ConfigCommand::Reference => config::text::reference(),
    };
    print(&text)
}

fn import(format: Option<Format>, files: &[PathBuf]) -> Result<(), Failure> {
    let mut imported = Imported::default();
    for path in files {
        let name = path.display().to_string();
        let format = format.or_else(|| Format::of(path));
        let format = format.ok_or_else(|| Failure::new(format!("{name}: give its --format")))?;
        let text = std::fs::read_to_string(path);
        let text = text.map_err(|error| Failure::new(format!("{name}: {error}")))?;
        imported.read(format, &name, &text).map_err(Failure::new)?;
    }
    print(&imported.to_toml())?;
    for note in &imported.notes {
        lclq::log::last_words(note);
    }
    match imported.problems() {
        lines if lines.is_empty() => Ok(()),
        lines => Err(Failure { lines, code: 1 }),
    }
}

fn print(text: &str) -> Result<(), Failure> {
    let written = std::io::stdout().write_all(text.as_bytes());
    written.map_err(|error| Failure::new(format!("can't write the answer: {error}")))
}

fn write_new(path: &Path, text: &str) -> Result<(), Failure> {
    let failed = |error| Failure::new(format!("{}: {error}", path.display()));
    let mut file = std::fs::File::create_new(path).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)
}
