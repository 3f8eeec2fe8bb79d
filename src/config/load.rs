//! From arguments to settings: the layers are taken apart and merged.

use super::auth;
use super::declared::Declared;
use super::file;
use super::layers::{Layer, Origin, merge, settings};
use super::regions;
use super::settings::{Settings, place};
use super::storage::storage;
use super::tls::tls;
use crate::cli::{Cli, StartArgs};
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command, CommandFactory, FromArgMatches};
use serde_json::Value;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// The file that is read where none is named, if it is there.
pub const FILE_DEFAULT: &str = "lclq.toml";

/// What flags, environment and file amount to.
#[derive(Clone, Debug)]
pub struct Loaded {
    pub settings: Settings,
    /// Where each value that isn't a default comes from.
    pub merged: Layer,
    pub declared: Declared,
}

/// Where settings come from, for as long as the process: what was said at its start, and the file
/// that goes below it.
#[derive(Clone, Debug)]
pub struct Source {
    environment: Layer,
    flags: Layer,
    file: Option<PathBuf>,
    recover: bool,
    stop_with_stdin: bool,
}

/// Defaults as clap shows them: for as long as the process, since clap keeps references.
static DEFAULTS: LazyLock<BTreeMap<String, Vec<String>>> = LazyLock::new(|| {
    let text = |value: &Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    let values = Settings::default().values().into_iter();
    let texts = values.map(|(key, value)| match value {
        Value::Null | Value::Bool(_) => (key, Vec::new()),
        Value::Array(all) => (key, all.iter().map(text).collect()),
        value => (key, vec![text(&value)]),
    });
    texts.filter(|(_, texts)| !texts.is_empty()).collect()
});

/// The command line as it is shown: with the defaults of [`Settings`].
fn command() -> Command {
    let with_defaults = |command: Command| {
        command.mut_args(|arg: Arg| {
            let key = arg.get_id().as_str().replace('_', "-");
            match DEFAULTS.get(&key) {
                Some(texts) => arg.default_values(texts.iter().map(String::as_str)),
                None => arg,
            }
        })
    };
    Cli::command()
        .mut_subcommand("start", with_defaults)
        .mut_subcommand("config", |config| {
            config.mut_subcommand("show", with_defaults)
        })
}

/// Takes arguments apart, the program's name first. The matches are the innermost command's.
///
/// # Errors
/// As clap tells them, help and version among them.
pub fn parse(
    args: impl IntoIterator<Item = impl Into<OsString> + Clone>,
) -> Result<(Cli, ArgMatches), clap::Error> {
    let mut innermost = command().try_get_matches_from(args)?;
    let cli = Cli::from_arg_matches(&innermost)?;
    while let Some((_, below)) = innermost.remove_subcommand() {
        innermost = below;
    }
    Ok((cli, innermost))
}

fn variable(key: &str) -> Origin {
    Origin::Environment(format!("LCLQ_{}", key.replace('-', "_").to_uppercase()))
}

impl Source {
    /// Takes apart what flags and the environment say, and finds the file.
    pub fn of(args: &StartArgs, matches: &ArgMatches) -> Result<Self, Vec<String>> {
        let (mut flags, mut environment) = (Layer::new(), Layer::new());
        let given = serde_json::to_value(&args.given).map_err(|error| vec![error.to_string()])?;
        for (key, value) in given.as_object().into_iter().flatten() {
            let (layer, origin) = match matches.value_source(&key.replace('-', "_")) {
                Some(ValueSource::CommandLine) => (&mut flags, Origin::Flag(format!("--{key}"))),
                Some(ValueSource::EnvVariable) => (&mut environment, variable(key)),
                _ => continue,
            };
            layer.insert(key.clone(), (value.clone(), origin));
        }
        let unnamed = Path::new(FILE_DEFAULT);
        let unnamed = unnamed.exists().then(|| unnamed.to_owned());
        Ok(Self {
            environment,
            flags,
            file: args.config.clone().or(unnamed),
            recover: args.recover,
            stop_with_stdin: args.stop_with_stdin,
        })
    }

    /// The same without the environment and without a file that isn't named: what flags say alone.
    ///
    /// # Errors
    /// As [`Source::of`].
    pub fn of_flags(args: &StartArgs, matches: &ArgMatches) -> Result<Self, Vec<String>> {
        let mut source = Self::of(args, matches)?;
        source.environment.clear();
        if matches.value_source("config") != Some(ValueSource::CommandLine) {
            source.file = None;
        }
        Ok(source)
    }

    /// Reads the file, if there is one, and merges what the layers say.
    ///
    /// # Errors
    /// What is wrong, a line for each.
    pub fn load(&self) -> Result<Loaded, Vec<String>> {
        let file = match &self.file {
            None => file::File::default(),
            Some(path) => file::read(path)?,
        };
        self.with(file)
    }

    /// The same, as though the file had this text.
    ///
    /// # Errors
    /// What is wrong, a line for each.
    pub fn load_text(&self, text: &str) -> Result<Loaded, Vec<String>> {
        self.with(self.parse(text)?)
    }

    /// The file, as though it had this text.
    ///
    /// # Errors
    /// What is wrong, a line for each.
    pub fn parse(&self, text: &str) -> Result<file::File, Vec<String>> {
        let path = self.file.as_deref().unwrap_or(Path::new(FILE_DEFAULT));
        let directory = path.parent().unwrap_or(Path::new(""));
        file::parse(&path.display().to_string(), directory, text)
    }

    fn with(&self, file: file::File) -> Result<Loaded, Vec<String>> {
        let merged = merge([file.layer, self.environment.clone(), self.flags.clone()])?;
        let settings = settings(&merged).map_err(|error| vec![error])?;
        if self.recover && settings.data_dir.is_none() {
            let place = place("data-dir");
            return Err(vec![format!(
                "--recover: there is nothing to recover without --data-dir ({place})"
            )]);
        }
        storage(&settings, self.recover).map_err(|error| vec![error])?;
        tls(&settings).map_err(|error| vec![error])?;
        auth::check(&settings).map_err(|error| vec![error])?;
        regions::regions(&settings).map_err(|error| vec![error])?;
        Ok(Loaded {
            settings,
            merged,
            declared: file.declared,
        })
    }

    /// The file that is read, if any.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// Whether a start goes on with what can be read.
    pub fn recover(&self) -> bool {
        self.recover
    }

    /// Whether the server ends with its standard input.
    pub fn stop_with_stdin(&self) -> bool {
        self.stop_with_stdin
    }
}
