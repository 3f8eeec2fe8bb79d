//! Files of configuration, of credentials and of other tools, for tests/fuzz.

use super::import::{Format, Imported};
use super::layers::{Layer, merge};
use super::load::Loaded;
use super::secrets::MASK;
use super::{auth, file, layers, regions, text, tls};
use crate::credentials::Contents;
use crate::fuzzing::first_line;
use clap::ValueEnum;
use std::path::Path;

fn loaded(text: &str) -> Option<Loaded> {
    let file = file::parse("file", Path::new(""), text).ok()?;
    let merged = merge([file.layer, Layer::new()]).ok()?;
    let settings = layers::settings(&merged).ok()?;
    Some(Loaded {
        settings,
        merged,
        declared: file.declared,
    })
}

/// A configuration. What it amounts to is shown as a file that amounts to the same.
pub fn configuration(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let Some(first) = loaded(text) else {
        return;
    };
    let _ = (tls::tls(&first.settings), auth::check(&first.settings));
    let _ = regions::regions(&first.settings);
    let _ = text::show_json(&first);
    let shown = text::show_toml(&first);
    // What is secret isn't shown.
    if shown.contains(MASK) {
        return;
    }
    let again = loaded(&shown);
    let again = again.unwrap_or_else(|| panic!("what is shown can't be read:\n{shown}"));
    assert_eq!(again.settings.values(), first.settings.values(), "{shown}");
}

/// A file of credentials. What is written of it is read as the same.
pub fn credentials(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let Ok(contents) = toml::from_str::<Contents>(text) else {
        return;
    };
    let written = toml::to_string(&contents).expect("what was read can be written");
    let again = toml::from_str::<Contents>(&written);
    assert_eq!(again.ok().as_ref(), Some(&contents), "{written}");
}

/// The name of a format, and another tool's file. What comes of it is TOML.
pub fn import(bytes: &[u8]) {
    let (format, text) = first_line(bytes);
    let format = std::str::from_utf8(format).ok();
    let format = format.and_then(|name| Format::from_str(name, false).ok());
    let (Some(format), Ok(text)) = (format, std::str::from_utf8(text)) else {
        return;
    };
    let mut imported = Imported::default();
    if imported.read(format, "file", text).is_ok() {
        let written = imported.to_toml();
        if let Err(error) = toml::from_str::<toml::Table>(&written) {
            panic!("{error} in:\n{written}");
        }
        let _ = imported.problems();
    }
}
