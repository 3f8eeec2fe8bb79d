//! gRPC on hyper's HTTP/2, for futures that stay on their core.

mod encoded;
mod status;

pub use encoded::{Encoded, EncodedBuf, FRAME_HEAD_BYTES, call_decoded, decode};
pub use status::{Code, Status};
