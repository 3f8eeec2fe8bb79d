//! Which fields of a message hold messages.

use prost_types::field_descriptor_proto::Type;
use prost_types::{DescriptorProto, FileDescriptorSet};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Writes `MESSAGES`, in order of name: each message's full name, and those of its fields that hold
/// messages, by number, with the place of their message in the list.
pub fn write(files: &FileDescriptorSet) -> String {
    let mut messages = BTreeMap::new();
    for file in &files.file {
        let package = format!(".{}", file.package());
        for message in &file.message_type {
            collect(&package, message, &mut messages);
        }
    }
    let place_of: BTreeMap<_, _> = messages.keys().zip(0u16..).collect();
    let mut out = String::from("pub(super) static MESSAGES: &[(&str, &[(u32, u16)])] = &[\n");
    for (name, message) in &messages {
        let fields = message.field.iter().filter(|field| {
            // A group is a message in another encoding; proto3 has none.
            field.r#type() == Type::Message
        });
        let fields: Vec<_> = fields
            .map(|field| (field.number(), place_of[&field.type_name().to_owned()]))
            .collect();
        let name = name.trim_start_matches('.');
        // Writing to a String can't fail.
        let _ = writeln!(out, "    ({name:?}, &{fields:?}),");
    }
    out.push_str("];\n");
    out
}

fn collect<'m>(
    parent: &str,
    message: &'m DescriptorProto,
    messages: &mut BTreeMap<String, &'m DescriptorProto>,
) {
    let name = format!("{parent}.{}", message.name());
    for nested in &message.nested_type {
        collect(&name, nested, messages);
    }
    messages.insert(name, message);
}
