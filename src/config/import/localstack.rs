//! Shell scripts that make queues with awslocal or aws.

use super::{Imported, sqs};
use serde_json::{Map, Value};
use std::collections::HashMap;

/// Commands that make what queues have. A script is not run, so what its shell would work out is not
/// known, but for variables that it sets to plain texts.
pub(super) fn read(imported: &mut Imported, text: &str) {
    let mut variables = HashMap::new();
    for (number, command) in commands(text) {
        let Some(words) = shlex::split(&command) else {
            if command.contains("sqs ") {
                imported.note(format!("line {number}: its quotes don't match: left out"));
            }
            continue;
        };
        if let [word] = &words[..]
            && let Some((name, value)) = assignment(word)
        {
            variables.insert(name.to_owned(), substituted(value, &variables));
            continue;
        }
        let words: Vec<String> = words
            .iter()
            .map(|word| substituted(word, &variables))
            .collect();
        let Some(at) = words.iter().position(|word| word == "sqs") else {
            continue;
        };
        let is_cli = |word: &String| matches!(sqs::last_of(word), "awslocal" | "aws");
        if !words[..at].iter().any(is_cli) {
            continue;
        }
        let Some((action, options)) = words[at + 1..].split_first() else {
            continue;
        };
        if options.iter().any(|word| word.contains(['$', '`'])) {
            imported.note(format!(
                "line {number}: {action} with what only a shell can work out: left out"
            ));
            continue;
        }
        if let Err(error) = command_of(imported, action, options) {
            imported.note(format!("line {number}: {action}: {error}: left out"));
        }
    }
}

/// Commands with the numbers of their first lines: what a backslash or an open quote goes on with is
/// of the same command.
fn commands(text: &str) -> Vec<(usize, String)> {
    let mut all = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for (index, line) in text.lines().enumerate() {
        let (number, mut command) = open.take().unwrap_or((index + 1, String::new()));
        command.push_str(line);
        if let Some(whole) = command.strip_suffix('\\') {
            open = Some((number, whole.to_owned()));
        } else if shlex::split(&command).is_none() && command.len() < COMMAND_BYTES_MAX {
            command.push('\n');
            open = Some((number, command));
        } else {
            all.push((number, command));
        }
    }
    all.extend(open);
    all.into_iter()
        .flat_map(|(number, command)| {
            let parts: Vec<String> = command.split(" && ").map(str::to_owned).collect();
            parts.into_iter().map(move |part| (number, part))
        })
        .collect()
}

/// Bytes after which a quote that isn't closed is taken for one that never will be.
const COMMAND_BYTES_MAX: usize = 64 * 1024;

fn assignment(word: &str) -> Option<(&str, &str)> {
    let (name, value) = word.split_once('=')?;
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    (!name.is_empty() && name.bytes().all(is_name)).then_some((name, value))
}

/// Bytes of a word with its variables. Of one that would be longer only a shell can work out what it is:
/// variables that are made of themselves double with each line.
const WORD_BYTES_MAX: usize = 64 * 1024;

/// A word with the variables that are known in their place.
fn substituted(word: &str, variables: &HashMap<String, String>) -> String {
    let mut out = String::new();
    let mut rest = word;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let is_name = |char: char| char.is_ascii_alphanumeric() || char == '_';
        let (name, end) = match after.strip_prefix('{') {
            Some(braced) => match braced.find('}') {
                Some(end) => (&braced[..end], end + 2),
                None => ("", 0),
            },
            None => {
                let end = after.find(|char| !is_name(char)).unwrap_or(after.len());
                (&after[..end], end)
            }
        };
        match variables.get(name) {
            Some(value) if out.len() + value.len() > WORD_BYTES_MAX => return word.to_owned(),
            Some(value) => out.push_str(value),
            None => out.push_str(&rest[at..at + 1 + end]),
        }
        rest = &after[end..];
    }
    out + rest
}

fn command_of(imported: &mut Imported, action: &str, options: &[String]) -> Result<(), String> {
    let queue_name = || {
        option(options, "--queue-name")
            .or_else(|| option(options, "--queue-url").map(|url| sqs::last_of(&url).to_owned()))
            .ok_or_else(|| "no queue is named".to_owned())
    };
    match action {
        "create-queue" => {
            let attributes = map_of(options, "--attributes")?;
            let tags = map_of(options, "--tags")?;
            let name = queue_name()?;
            sqs::queue(imported, &name, &attributes);
            sqs::tag(imported, &name, &tags);
        }
        "set-queue-attributes" => {
            let name = queue_name()?;
            for (attribute, value) in map_of(options, "--attributes")? {
                sqs::set(imported, &name, &attribute, &value);
            }
        }
        "tag-queue" => sqs::tag(imported, &queue_name()?, &map_of(options, "--tags")?),
        // They look, or are about messages.
        _ => {}
    }
    Ok(())
}

fn option(options: &[String], name: &str) -> Option<String> {
    let mut options = options.iter();
    while let Some(option) = options.next() {
        if option == name {
            return options.next().cloned();
        }
        let given = option
            .strip_prefix(name)
            .and_then(|rest| rest.strip_prefix('='));
        if let Some(value) = given {
            return Some(value.to_owned());
        }
    }
    None
}

/// A map as the AWS CLI takes it: JSON, or its shorthand, Name=value,Name=value.
fn map_of(options: &[String], name: &str) -> Result<Map<String, Value>, String> {
    let Some(text) = option(options, name) else {
        return Ok(Map::new());
    };
    if text.starts_with("file:") {
        return Err(format!("{text} isn't read"));
    }
    if text.trim_start().starts_with('{') {
        return serde_json::from_str(&text).map_err(|error| format!("{name}: {error}"));
    }
    let pair = |pair: &str| {
        let (key, value) = pair.split_once('=')?;
        Some((key.trim().to_owned(), Value::from(value.trim_matches('"'))))
    };
    let pairs = text.split(',').map(pair).collect::<Option<_>>();
    pairs.ok_or_else(|| format!("{name} is no map"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::import::Format;

    /// Found by tests/fuzz: a few lines in which a variable is made of itself came to gigabytes.
    #[test]
    fn a_variable_of_itself_stays_bounded() {
        let doubled = format!("A=xxxxxxxx\n{}", "A=$A$A$A$A$A$A$A$A\n".repeat(8));
        let mut variables = HashMap::from([("A".to_owned(), "x".repeat(8))]);
        for _ in 0..8 {
            let value = substituted("$A$A$A$A$A$A$A$A", &variables);
            assert!(value.len() <= 64 << 10, "{} bytes", value.len());
            variables.insert("A".to_owned(), value);
        }
        let mut imported = Imported::default();
        let text = doubled + "awslocal sqs create-queue --queue-name $A\n";
        imported.read(Format::Localstack, "script", &text).unwrap();
        assert_eq!(imported.to_toml(), "");
        assert_eq!(imported.notes.len(), 1, "{:?}", imported.notes);
    }
}
