//! Message transforms: user-defined JavaScript, and compression.
//!
//! A script may take its time limit for every message, and some built-in functions of a JavaScript
//! engine can't be interrupted at all; neither may hold up a core, nor keep a processor busy. So each
//! core has its transforms done by a process of its own, started at first need: what can't be stopped
//! is killed with it, and what scripts keep in memory is counted there and goes with it.

mod child;
mod compression;
#[doc(hidden)]
pub mod measure;
mod memory;
mod process;
mod running_time;
mod script;
mod scripts;
#[cfg(test)]
mod tests;
mod watchdog;
mod wire;
mod worker;

pub use child::run_if_asked;
pub use worker::Transformer;

use super::limits::{CODE_BYTES_MAX, TRANSFORMS_MAX};
use bytes::Bytes;

/// Memory that all user-defined functions of a server may keep, bytes. Each core has its share, and
/// forgets the functions that were used longest ago beyond it.
pub const SCRIPTS_MEMORY_BYTES_MAX: usize = 512 << 20;

/// Memory of one user-defined function's engine, bytes.
const SCRIPT_MEMORY_BYTES_MAX: usize = 128 << 20;

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

/// Of messages whose turn in their job comes too late.
fn too_late() -> TransformError {
    TransformError(format!(
        "the transforms of the request's messages took more than {} ms",
        worker::JOB_MS_MAX
    ))
}

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
