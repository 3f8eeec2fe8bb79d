//! Protocol buffer definitions, compiled in memory by `protox`.

use super::protobuf_bounds;
use super::protobuf_layout::Layout;
use super::{DefinitionError, MismatchError, VALUES_SHOWN_MAX};
use prost_reflect::prost_types::FileDescriptorProto;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor};
use protox::file::{File, FileResolver, GoogleFileResolver};
use serde_json::Value;
use std::collections::HashSet;

/// Characters of the compiler's error that reach the client.
const ERROR_CHARS_MAX: usize = 512;

/// The name that the definition's file has in messages of the compiler.
const FILE_NAME: &str = "schema.proto";

/// A compiled definition.
#[derive(Debug)]
pub(super) struct ProtobufSchema {
    layout: Layout,
}

impl ProtobufSchema {
    pub(super) fn compile(definition: &str) -> Result<Self, DefinitionError> {
        let message = descriptor(definition)?;
        let layout = Layout::of(&message);
        Ok(Self { layout })
    }

    pub(super) fn layout(&self) -> &Layout {
        &self.layout
    }
}

/// The message that a definition is about.
fn descriptor(definition: &str) -> Result<MessageDescriptor, DefinitionError> {
    protobuf_bounds::check(definition)?;
    let bad = |error: &dyn std::fmt::Display| {
        let text: String = error.to_string().chars().take(ERROR_CHARS_MAX).collect();
        DefinitionError(format!("not a valid protocol buffer definition: {text}"))
    };
    let file = File::from_source(FILE_NAME, definition).map_err(|error| bad(&error))?;
    let mut files = vec![FileDescriptorProto::from(file)];
    import(&mut files).map_err(|error| bad(&error))?;
    let mut pool = DescriptorPool::new();
    pool.add_file_descriptor_protos(files)
        .map_err(|error| bad(&error))?;
    let file = pool
        .get_file_by_name(FILE_NAME)
        .expect("the file that was just added");
    if file.enums().len() > 0 || file.services().len() > 0 || file.messages().len() != 1 {
        return Err(DefinitionError(format!(
            "a definition must have one top-level type, a message; this has {} messages, {} \
                 enums and {} services",
            file.messages().len(),
            file.enums().len(),
            file.services().len()
        )));
    }
    Ok(file.messages().next().expect("there is one"))
}

/// A definition whose messages are shown as JSON, for people who look at them.
#[derive(Debug)]
pub(super) struct ShownProtobuf(MessageDescriptor);

impl ShownProtobuf {
    pub(super) fn compile(definition: &str) -> Result<Self, DefinitionError> {
        descriptor(definition).map(Self)
    }

    /// A message's value. What the definition doesn't know is left out.
    ///
    /// # Errors
    /// If it isn't a value of the schema, or too large to be shown.
    pub(super) fn show(&self, data: &[u8]) -> Result<Value, MismatchError> {
        // A value takes a byte at least.
        if data.len() > VALUES_SHOWN_MAX {
            return Err(MismatchError::new("too many values to show"));
        }
        let wrong = |error: &dyn std::fmt::Display| MismatchError(error.to_string());
        let message =
            DynamicMessage::decode(self.0.clone(), data).map_err(|error| wrong(&error))?;
        serde_json::to_value(&message).map_err(|error| wrong(&error))
    }
}

/// Adds the files that a definition imports, of which only those of Google's exist. The definition is
/// the first.
fn import(files: &mut Vec<FileDescriptorProto>) -> Result<(), protox::Error> {
    let mut known = HashSet::from([FILE_NAME.to_owned()]);
    let mut at = 0;
    while at < files.len() {
        // What can't be placed is looked up where it stands, in a list of everything: as often as
        // there are mistakes.
        files[at].source_code_info = None;
        for name in files[at].dependency.clone() {
            if known.insert(name.clone()) {
                let file = GoogleFileResolver::new().open_file(&name)?;
                files.push(file.into());
            } else if name == FILE_NAME {
                return Err(protox::Error::file_not_found(&name));
            }
        }
        at += 1;
    }
    Ok(())
}
