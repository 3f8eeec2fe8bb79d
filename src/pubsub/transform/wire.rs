//! What the server and its processes for transforms say to each other: messages of protocol buffers,
//! each after its length.

use super::{
    Algorithm, Transform, TransformError, TransformMessage, TransformMetadata, Transformed,
};
use std::io::{self, Read, Write};

/// The first thing that a process says. What comes before it is ignored.
pub(super) const HELLO: &[u8] = b"lclq transforms 1\n";

/// Bytes of one frame.
const FRAME_BYTES_MAX: usize = 256 << 20;

/// Begins a job. As many messages follow.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Begin {
    #[prost(message, repeated, tag = "1")]
    pub steps: Vec<Step>,
    /// Zero is a job of its own: compile, and answer once.
    #[prost(uint32, tag = "2")]
    pub messages: u32,
    /// Messages that aren't done by then fail, ms.
    #[prost(uint64, tag = "3")]
    pub ms_max: u64,
    /// Memory that functions may keep, all together, bytes.
    #[prost(uint64, tag = "4")]
    pub memory_bytes_max: u64,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Step {
    /// Empty for compression.
    #[prost(string, tag = "1")]
    pub function_name: String,
    #[prost(string, tag = "2")]
    pub code: String,
    #[prost(bool, tag = "3")]
    pub zstd: bool,
    #[prost(bool, tag = "4")]
    pub decompress: bool,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Attribute {
    #[prost(string, tag = "1")]
    pub key: String,
    #[prost(string, tag = "2")]
    pub value: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Message {
    #[prost(bytes = "bytes", tag = "1")]
    pub data: bytes::Bytes,
    #[prost(message, repeated, tag = "2")]
    pub attributes: Vec<Attribute>,
    #[prost(string, tag = "3")]
    pub message_id: String,
    #[prost(string, tag = "4")]
    pub publish_time: String,
    #[prost(string, tag = "5")]
    pub ordering_key: String,
}

/// What became of a message, or of a job without messages. Neither field: it was filtered out.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Outcome {
    #[prost(message, optional, tag = "1")]
    pub message: Option<Message>,
    #[prost(string, optional, tag = "2")]
    pub error: Option<String>,
}

impl From<&Transform> for Step {
    fn from(transform: &Transform) -> Self {
        let compression = |algorithm: Algorithm, decompress| Step {
            zstd: algorithm == Algorithm::Zstd,
            decompress,
            ..Step::default()
        };
        match transform {
            Transform::JavaScript {
                function_name,
                code,
            } => Step {
                function_name: function_name.clone(),
                code: code.clone(),
                ..Step::default()
            },
            Transform::Compress(algorithm) => compression(*algorithm, false),
            Transform::Decompress(algorithm) => compression(*algorithm, true),
        }
    }
}

impl From<Step> for Transform {
    fn from(step: Step) -> Self {
        let algorithm = if step.zstd {
            Algorithm::Zstd
        } else {
            Algorithm::Zlib
        };
        match (step.function_name.is_empty(), step.decompress) {
            (true, false) => Transform::Compress(algorithm),
            (true, true) => Transform::Decompress(algorithm),
            (false, _) => Transform::JavaScript {
                function_name: step.function_name,
                code: step.code,
            },
        }
    }
}

impl From<&TransformMessage> for Message {
    fn from(message: &TransformMessage) -> Self {
        let attribute = |(key, value): &(String, String)| Attribute {
            key: key.clone(),
            value: value.clone(),
        };
        Message {
            data: message.data.clone(),
            attributes: message.attributes.iter().map(attribute).collect(),
            message_id: message.metadata.message_id.clone(),
            publish_time: message.metadata.publish_time.clone(),
            ordering_key: message.metadata.ordering_key.clone(),
        }
    }
}

impl From<Message> for TransformMessage {
    fn from(message: Message) -> Self {
        let attributes = message.attributes.into_iter();
        TransformMessage {
            data: message.data,
            attributes: attributes
                .map(|attribute| (attribute.key, attribute.value))
                .collect(),
            metadata: TransformMetadata {
                message_id: message.message_id,
                publish_time: message.publish_time,
                ordering_key: message.ordering_key,
            },
        }
    }
}

impl From<&Transformed> for Outcome {
    fn from(transformed: &Transformed) -> Self {
        match transformed {
            Ok(message) => Outcome {
                message: message.as_ref().map(Message::from),
                error: None,
            },
            Err(error) => Outcome {
                message: None,
                error: Some(error.0.clone()),
            },
        }
    }
}

impl From<Outcome> for Transformed {
    fn from(outcome: Outcome) -> Self {
        match outcome.error {
            Some(error) => Err(TransformError(error)),
            None => Ok(outcome.message.map(TransformMessage::from)),
        }
    }
}

/// Writes a frame, without flushing.
pub(super) fn write_frame(to: &mut impl Write, message: &impl prost::Message) -> io::Result<()> {
    let bytes = message.encode_to_vec();
    let length = u32::try_from(bytes.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    to.write_all(&length.to_le_bytes())?;
    to.write_all(&bytes)
}

/// Reads a frame.
///
/// # Errors
/// Also if the other side has ended: `UnexpectedEof`.
pub(super) fn read_frame<M: prost::Message + Default>(from: &mut impl Read) -> io::Result<M> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length) as usize;
    if length > FRAME_BYTES_MAX {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut bytes = Vec::new();
    from.take(length as u64).read_to_end(&mut bytes)?;
    if bytes.len() < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    M::decode(bytes::Bytes::from(bytes)).map_err(io::Error::other)
}
