//! Compression of a message's data.

use super::{Algorithm, TransformError};
use crate::pubsub::limits::DATA_BYTES_MAX;
use bytes::Bytes;
use std::io::{self, Read};

pub(super) fn compress(algorithm: Algorithm, data: &[u8]) -> Result<Bytes, TransformError> {
    let compressed = match algorithm {
        Algorithm::Zlib => {
            let level = flate2::Compression::default();
            read_all(flate2::read::ZlibEncoder::new(data, level))
        }
        Algorithm::Zstd => zstd::bulk::compress(data, zstd::DEFAULT_COMPRESSION_LEVEL),
    };
    bounded(compressed.map_err(|error| failed("compressed", &error))?)
}

pub(super) fn decompress(algorithm: Algorithm, data: &[u8]) -> Result<Bytes, TransformError> {
    let plain = match algorithm {
        Algorithm::Zlib => read_all(flate2::read::ZlibDecoder::new(data)),
        Algorithm::Zstd => zstd::stream::read::Decoder::with_buffer(data).and_then(read_all),
    };
    bounded(plain.map_err(|error| failed("decompressed", &error))?)
}

/// Reads one byte more than is allowed, so that a small input can't make a large output.
fn read_all(from: impl Read) -> io::Result<Vec<u8>> {
    let mut data = Vec::new();
    from.take(DATA_BYTES_MAX as u64 + 1)
        .read_to_end(&mut data)?;
    Ok(data)
}

fn bounded(data: Vec<u8>) -> Result<Bytes, TransformError> {
    if data.len() > DATA_BYTES_MAX {
        return Err(TransformError(format!(
            "the data would have more than {DATA_BYTES_MAX} bytes"
        )));
    }
    Ok(data.into())
}

fn failed(what: &str, error: &io::Error) -> TransformError {
    TransformError(format!("the data can't be {what}: {error}"))
}
