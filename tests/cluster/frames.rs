//! What nodes say to each other, for those who are none.

use lclq::cluster::PROTOCOL;

const HELLO: u8 = 1;
pub const COMMAND: u8 = 2;

/// A frame as nodes send it: a length, a kind, a token, a shard and a body.
pub fn frame(kind: u8, token: u64, shard: u16, body: &[u8]) -> Vec<u8> {
    let length = (1 + 8 + 2 + body.len()) as u32;
    let mut frame = length.to_le_bytes().to_vec();
    frame.push(kind);
    frame.extend_from_slice(&token.to_le_bytes());
    frame.extend_from_slice(&shard.to_le_bytes());
    frame.extend_from_slice(body);
    frame
}

/// What a node says first.
pub fn hello(from: &str, to: &str) -> Vec<u8> {
    let mut body = b"lclq-node".to_vec();
    body.extend_from_slice(&PROTOCOL.to_le_bytes());
    for name in [from, to] {
        body.push(name.len() as u8);
        body.extend_from_slice(name.as_bytes());
    }
    frame(HELLO, 0, 0, &body)
}
