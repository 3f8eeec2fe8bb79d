//! Message transforms: user-defined JavaScript, and compression.
//!
//! They run on threads of their own, one per core, started at first need. A script may take its
//! time limit for every message, and some built-in functions of a JavaScript engine can't be
//! interrupted at all; neither may hold up a core. A thread that is stuck is given up and replaced,
//! a bounded number of times.

mod compression;
mod script;
#[cfg(test)]
mod tests;
mod worker;

pub use worker::Transformer;

use bytes::Bytes;

/// Bytes of a user-defined function's code.
pub const CODE_BYTES_MAX: usize = 20 * 1024;

/// Transforms on one topic or subscription.
pub const TRANSFORMS_MAX: usize = 5;

/// Time that one call of a user-defined function may take, ms.
pub const SCRIPT_MS_MAX: u64 = 500;

/// Memory of one user-defined function's engine, bytes.
const SCRIPT_MEMORY_BYTES_MAX: usize = 128 << 20;

/// Bytes of data that a transform may answer with.
const DATA_BYTES_MAX: usize = 10_000_000;

/// One step. Disabled transforms, and those that lclq only stores, are left out by whoever makes
/// the list.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Transform {
    /// A user-defined function.
    JavaScript { function_name: String, code: String },
    /// Data becomes its compressed form.
    Compress(Algorithm),
    /// Data must be compressed and becomes what it was.
    Decompress(Algorithm),
}

/// How data is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    Zlib,
    Zstd,
}

/// What a transform sees of a message, and changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TransformMessage {
    pub data: Bytes,
    pub attributes: Vec<(String, String)>,
    /// Not changed by transforms, but shown to functions.
    pub metadata: TransformMetadata,
}

/// What functions see besides the message. Empty is absent: a message that is being published has
/// neither id nor time yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TransformMetadata {
    pub message_id: String,
    /// RFC 3339, UTC, whole seconds.
    pub publish_time: String,
    pub ordering_key: String,
}

/// Why a message couldn't be transformed, in words for the function's author.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TransformError(pub(crate) String);

/// What became of a message: itself, changed; `None` if a function filtered it out; or an error.
pub type Transformed = Result<Option<TransformMessage>, TransformError>;

/// Checks what can be checked without running anything.
pub(crate) fn check_form(transforms: &[Transform]) -> Result<(), TransformError> {
    if transforms.len() > TRANSFORMS_MAX {
        return Err(TransformError(format!(
            "{} transforms were given, but the maximum is {TRANSFORMS_MAX}",
            transforms.len()
        )));
    }
    let mut names = Vec::new();
    for transform in transforms {
        let Transform::JavaScript {
            function_name,
            code,
        } = transform
        else {
            continue;
        };
        if !is_identifier(function_name) {
            return Err(TransformError(format!(
                "{function_name:?} isn't the name of a JavaScript function"
            )));
        }
        if code.len() > CODE_BYTES_MAX {
            return Err(TransformError(format!(
                "the code of {function_name} has {} bytes, but the maximum is {CODE_BYTES_MAX}",
                code.len()
            )));
        }
        if names.contains(&function_name) {
            return Err(TransformError(format!(
                "the function name {function_name} is used by two transforms"
            )));
        }
        names.push(function_name);
    }
    Ok(())
}

fn is_identifier(name: &str) -> bool {
    let first = |byte: u8| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'$');
    name.len() <= 255
        && name.bytes().next().is_some_and(first)
        && name
            .bytes()
            .all(|byte| first(byte) || byte.is_ascii_digit())
}
