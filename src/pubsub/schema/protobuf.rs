//! Protocol buffer definitions, compiled in memory by `protox`.

use super::protobuf_layout::Layout;
use super::{DefinitionError, MismatchError};
use prost_reflect::prost::Message;
use prost_reflect::{DeserializeOptions, DynamicMessage, MessageDescriptor, Syntax};
use protox::file::{ChainFileResolver, File, FileResolver, GoogleFileResolver};

/// The name that the definition's file has in messages of the compiler.
const FILE_NAME: &str = "schema.proto";

/// A compiled definition.
#[derive(Debug)]
pub(super) struct ProtobufSchema {
    message: MessageDescriptor,
    layout: Layout,
}

impl ProtobufSchema {
    pub(super) fn compile(definition: &str) -> Result<Self, DefinitionError> {
        let mut files = ChainFileResolver::new();
        files.add(OneFile(definition.to_owned()));
        files.add(GoogleFileResolver::new());
        let mut compiler = protox::Compiler::with_file_resolver(files);
        compiler.include_imports(true);
        compiler.open_file(FILE_NAME).map_err(|error| {
            DefinitionError(format!("not a valid protocol buffer definition: {error}"))
        })?;
        let pool = compiler.descriptor_pool();
        let file = pool
            .get_file_by_name(FILE_NAME)
            .expect("the file that was just compiled");
        if file.enums().len() > 0 || file.services().len() > 0 || file.messages().len() != 1 {
            return Err(DefinitionError(format!(
                "a definition must have one top-level type, a message; this has {} messages, {} \
                 enums and {} services",
                file.messages().len(),
                file.enums().len(),
                file.services().len()
            )));
        }
        let message = file.messages().next().expect("there is one");
        let layout = Layout::of(&message);
        Ok(Self { message, layout })
    }

    pub(super) fn layout(&self) -> &Layout {
        &self.layout
    }

    pub(super) fn validate_json(&self, data: &[u8]) -> Result<(), MismatchError> {
        let mut json = serde_json::Deserializer::from_slice(data);
        let options = DeserializeOptions::new().deny_unknown_fields(true);
        let message =
            DynamicMessage::deserialize_with_options(self.message.clone(), &mut json, &options)
                .and_then(|message| json.end().map(|()| message))
                .map_err(|error| MismatchError(error.to_string()))?;
        if self.message.parent_file().syntax() == Syntax::Proto2 {
            // Its parser doesn't look for required fields; the walk over the encoding does.
            return super::protobuf_binary::validate(&self.layout, &message.encode_to_vec());
        }
        Ok(())
    }
}

/// The definition, and no other file of ours.
struct OneFile(String);

impl FileResolver for OneFile {
    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        if name == FILE_NAME {
            File::from_source(name, &self.0)
        } else {
            Err(protox::Error::file_not_found(name))
        }
    }
}
