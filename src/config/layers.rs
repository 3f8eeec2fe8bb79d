//! Layers of settings, and what they amount to.

use super::settings::{EXCLUDING, Settings, place};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fmt;

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody gave one.
    Default,
    /// A line of the file.
    File { file: String, line: usize },
    /// A variable of the environment.
    Environment(String),
    /// A flag.
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::File { file, line } => write!(f, "{file}:{line}"),
            Origin::Environment(name) => f.write_str(name),
            Origin::Flag(flag) => f.write_str(flag),
        }
    }
}

/// What one layer gives, by key.
pub type Layer = BTreeMap<String, (Value, Origin)>;

/// What layers amount to. The first of them is the lowest.
///
/// # Errors
/// Which keys of one layer exclude each other.
pub fn merge(layers: impl IntoIterator<Item = Layer>) -> Result<Layer, Vec<String>> {
    let mut merged = Layer::new();
    let mut errors = Vec::new();
    for layer in layers {
        for (one, other) in EXCLUDING {
            match (layer.get(*one), layer.get(*other)) {
                (Some((_, first)), Some((_, second))) => {
                    let (one, other) = (place(one), place(other));
                    errors.push(format!(
                        "{second}: {other} and {one} ({first}) exclude each other"
                    ));
                }
                (Some(_), None) => drop(merged.remove(*other)),
                (None, Some(_)) => drop(merged.remove(*one)),
                (None, None) => {}
            }
        }
        merged.extend(layer);
    }
    if errors.is_empty() {
        Ok(merged)
    } else {
        Err(errors)
    }
}

/// The settings that a merged layer gives, with defaults for the rest.
pub fn settings(merged: &Layer) -> Result<Settings, String> {
    let values: Map<String, Value> = merged
        .iter()
        .map(|(key, (value, _))| (key.clone(), value.clone()))
        .collect();
    serde_json::from_value(Value::Object(values)).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(origin: &Origin, keys: &[(&str, Value)]) -> Layer {
        let entry =
            |(key, value): &(&str, Value)| ((*key).to_owned(), (value.clone(), origin.clone()));
        keys.iter().map(entry).collect()
    }

    #[test]
    fn the_higher_layer_wins_also_over_what_it_excludes() {
        let file = Origin::File {
            file: "f".to_owned(),
            line: 1,
        };
        let flag = Origin::Flag("--x".to_owned());
        let low = layer(
            &file,
            &[("cloud-storage-dir", "d".into()), ("cores", 1.into())],
        );
        let high = layer(&flag, &[("cloud-storage-endpoint", "http://h".into())]);
        let merged = merge([low.clone(), high.clone()]).unwrap();
        assert_eq!(
            merged.keys().collect::<Vec<_>>(),
            ["cloud-storage-endpoint", "cores"]
        );
        let settings = settings(&merged).unwrap();
        assert_eq!((settings.cores, settings.sqs_port), (Some(1), 9324));
        let mut both = low;
        both.extend(high);
        let errors = merge([both]).unwrap_err();
        assert!(errors[0].contains("exclude each other"), "{errors:?}");
    }
}
