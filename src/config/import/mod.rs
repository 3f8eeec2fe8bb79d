//! Resources of other tools' files, as ours declare them.

mod elasticmq;
mod goaws;
mod localstack;
mod sqs;
mod terraform;

use super::declared::LISTS;
use super::text::toml_value;
use super::{file, schema};
use clap::ValueEnum;
use serde_json::{Map, Value};
use std::fmt::Write;
use std::path::Path;

/// Where a file is from.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// ElasticMQ's configuration, HOCON.
    Elasticmq,
    /// GoAWS' configuration, YAML.
    Goaws,
    /// A shell script with awslocal or aws commands, as LocalStack runs at its start.
    Localstack,
    /// Terraform's state, or what terraform show -json says of a state or a plan.
    Terraform,
}

impl Format {
    /// What a file's name says that it is.
    pub fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()? {
            "conf" | "hocon" => Some(Self::Elasticmq),
            "yaml" | "yml" => Some(Self::Goaws),
            "sh" => Some(Self::Localstack),
            "json" | "tfstate" => Some(Self::Terraform),
            _ => None,
        }
    }
}

/// What was found in files.
#[derive(Default)]
pub struct Imported {
    /// List and resource, as keys of our file.
    resources: Vec<(&'static str, Map<String, Value>)>,
    /// Settings: their tables and keys.
    settings: Vec<(&'static str, &'static str, Value)>,
    /// What could not be taken over, a line for each.
    pub notes: Vec<String>,
    /// The file that is being read.
    file: String,
}

impl Imported {
    /// Reads the text of a file.
    ///
    /// # Errors
    /// Why it can't be understood at all.
    pub fn read(&mut self, format: Format, name: &str, text: &str) -> Result<(), String> {
        self.file = name.to_owned();
        let read = match format {
            Format::Elasticmq => elasticmq::read(self, text),
            Format::Goaws => goaws::read(self, text),
            Format::Localstack => {
                localstack::read(self, text);
                Ok(())
            }
            Format::Terraform => terraform::read(self, text),
        };
        read.map_err(|error| format!("{name}: {error}"))
    }

    fn note(&mut self, what: impl std::fmt::Display) {
        self.notes.push(format!("{}: {what}", self.file));
    }

    /// Adds a resource, unless one of its name is there.
    fn add(&mut self, list: &'static str, resource: Map<String, Value>) {
        let name = resource.get("name").cloned().unwrap_or_default();
        if self.find(list, &name).is_some() {
            self.note(format!("{list}: {name} is there already; left out"));
            return;
        }
        self.resources.push((list, resource));
    }

    fn find(&mut self, list: &str, name: &Value) -> Option<&mut Map<String, Value>> {
        let mut all = self.resources.iter_mut();
        let found =
            all.find(|(other, resource)| *other == list && resource.get("name") == Some(name));
        found.map(|(_, resource)| resource)
    }

    /// All of it as our file.
    pub fn to_toml(&self) -> String {
        let mut out = String::new();
        let mut table = "";
        for (of, key, value) in &self.settings {
            if *of != table {
                table = of;
                let _ = writeln!(out, "[{table}]");
            }
            let _ = writeln!(out, "{key} = {}", toml_value(value));
        }
        for list in LISTS {
            for (_, resource) in self.resources.iter().filter(|(of, _)| of == list) {
                if !out.is_empty() {
                    out.push('\n');
                }
                let _ = writeln!(out, "[[{list}]]");
                // The name comes first, as people write it.
                let is_name = |(key, _): &(&String, &Value)| *key == "name";
                let (name, others): (Vec<_>, Vec<_>) = resource.iter().partition(is_name);
                for (key, value) in name.into_iter().chain(others) {
                    let _ = writeln!(out, "{key} = {}", toml_value(value));
                }
            }
        }
        out
    }

    /// What `config check` would say about [`Self::to_toml`].
    pub fn problems(&self) -> Vec<String> {
        let read = file::parse("the result", Path::new(""), &self.to_toml());
        read.err().unwrap_or_default()
    }
}

/// The schema of a list's resources.
fn schema_of(list: &str) -> &'static Value {
    &schema::of_file()["properties"][list]["items"]
}
