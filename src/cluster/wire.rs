//! What nodes say to each other: frames of a length, a kind, a token, a shard and a body. Nodes of one version
//! talk; others are refused by their first words.

use lclq_shards::command::{Command, FORMAT, Reply, Token};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt};

/// What this program speaks. Another number is another language, so it changes with what is in frames, and whoever
/// changes frames themselves raises that number.
pub const PROTOCOL: u32 = FORMAT;
/// Bytes of a frame behind its length: more than a slice of an export of the largest messages has.
pub const FRAME_BYTES_MAX: usize = 768 << 20;
/// Bytes of the first frame.
const HELLO_BYTES_MAX: usize = 256;
/// Bytes that are made room for before any has come.
const ROOM_BYTES_MAX: usize = 1 << 20;
/// Bytes of a frame's head behind its length.
const HEAD_BYTES: usize = 1 + 8 + 2;
/// First bytes of what a node says first.
const GREETING: &[u8] = b"lclq-node";
/// Bytes of a node's name at most.
const NODE_BYTES_MAX: usize = 64;

/// What a frame is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Kind {
    /// Who speaks, and to whom; comes first, both ways.
    Hello = 1,
    /// A command for a shard.
    Command = 2,
    /// Nobody waits for a command's answer any more.
    Cancel = 3,
    /// The answer to a command.
    Reply = 4,
    /// A command was not carried out: its shard is not here.
    NotHere = 5,
    /// Who runs what has changed.
    Look = 6,
}

impl Kind {
    fn of(byte: u8) -> Option<Self> {
        use Kind::{Cancel, Command, Hello, Look, NotHere, Reply};
        [Hello, Command, Cancel, Reply, NotHere, Look]
            .into_iter()
            .find(|kind| *kind as u8 == byte)
    }
}

/// A frame as it came.
#[derive(Debug)]
pub struct Frame {
    pub kind: Kind,
    pub token: Token,
    pub shard: u16,
    pub body: Vec<u8>,
}

/// Writes a frame's length and head.
pub fn put_head(out: &mut Vec<u8>, kind: Kind, token: Token, shard: u16, body_bytes: usize) {
    out.extend_from_slice(&((HEAD_BYTES + body_bytes) as u32).to_le_bytes());
    out.push(kind as u8);
    out.extend_from_slice(&token.to_le_bytes());
    out.extend_from_slice(&shard.to_le_bytes());
}

/// Writes a frame with a reply.
///
/// # Errors
/// If it is too long to be sent.
pub fn put_reply(out: &mut Vec<u8>, token: Token, shard: u16, reply: &Reply) -> io::Result<()> {
    let start = out.len();
    put_head(out, Kind::Reply, token, shard, 0);
    let body = std::mem::take(out);
    *out = encode_to(body, reply)?;
    let bytes = out.len() - start - 4;
    if bytes > FRAME_BYTES_MAX {
        out.truncate(start);
        return Err(wrong("an answer is too long for another node"));
    }
    out[start..start + 4].copy_from_slice(&(bytes as u32).to_le_bytes());
    Ok(())
}

/// A command as the body of a frame.
///
/// # Errors
/// If it is too long to be sent.
pub fn command_body(command: &Command) -> io::Result<Vec<u8>> {
    let body = encode_to(Vec::new(), command)?;
    match body.len() + HEAD_BYTES <= FRAME_BYTES_MAX {
        true => Ok(body),
        false => Err(wrong("a command is too long for another node")),
    }
}

fn encode_to(out: Vec<u8>, what: &impl Serialize) -> io::Result<Vec<u8>> {
    postcard::to_extend(what, out).map_err(io::Error::other)
}

/// What a body says.
///
/// # Errors
/// If it isn't whole, or there is more of it.
pub fn decode<T: DeserializeOwned>(body: &[u8]) -> io::Result<T> {
    match postcard::take_from_bytes(body) {
        Ok((what, [])) => Ok(what),
        Ok(_) => Err(wrong("there is more in a frame than it says")),
        Err(_) => Err(wrong("a frame can't be read")),
    }
}

/// Says who speaks, and to whom.
pub fn put_hello(out: &mut Vec<u8>, from: &str, to: &str) {
    let mut body = GREETING.to_vec();
    body.extend_from_slice(&PROTOCOL.to_le_bytes());
    for node in [from, to] {
        body.push(node.len() as u8);
        body.extend_from_slice(node.as_bytes());
    }
    put_head(out, Kind::Hello, 0, 0, body.len());
    out.extend_from_slice(&body);
}

/// Who speaks, and to whom.
///
/// # Errors
/// If it isn't a node that speaks this language.
pub fn read_hello(frame: &Frame) -> io::Result<(&str, &str)> {
    let greeting = || wrong("it isn't a node of a cluster");
    let (Kind::Hello, Some(rest)) = (frame.kind, frame.body.strip_prefix(GREETING)) else {
        return Err(greeting());
    };
    let (protocol, rest) = rest.split_first_chunk().ok_or_else(greeting)?;
    if u32::from_le_bytes(*protocol) != PROTOCOL {
        return Err(wrong("it is of another version"));
    }
    let (from, rest) = node(rest).ok_or_else(greeting)?;
    let (to, rest) = node(rest).ok_or_else(greeting)?;
    match rest {
        [] => Ok((from, to)),
        _ => Err(greeting()),
    }
}

fn node(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let (length, rest) = bytes.split_first()?;
    let (node, rest) = rest.split_at_checked(usize::from(*length))?;
    let node = std::str::from_utf8(node).ok()?;
    (node.len() <= NODE_BYTES_MAX).then_some((node, rest))
}

/// The next frame; `None` where the other side has ended.
///
/// # Errors
/// If the connection fails, or what comes is no frame.
pub async fn read_frame(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Frame>> {
    read_frame_up_to(from, FRAME_BYTES_MAX).await
}

/// What a node says first.
///
/// # Errors
/// As [`read_frame`], and if it says more than that.
pub async fn read_first(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Frame> {
    let first = read_frame_up_to(from, HELLO_BYTES_MAX).await?;
    first.ok_or(io::ErrorKind::UnexpectedEof.into())
}

async fn read_frame_up_to(
    from: &mut (impl AsyncRead + Unpin),
    bytes_max: usize,
) -> io::Result<Option<Frame>> {
    let mut length = [0; 4];
    match from.read_exact(&mut length).await {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let bytes = u32::from_le_bytes(length) as usize;
    if !(HEAD_BYTES..=bytes_max).contains(&bytes) {
        return Err(wrong("a frame's length can't be"));
    }
    let mut head = [0; HEAD_BYTES];
    from.read_exact(&mut head).await?;
    let kind = Kind::of(head[0]).ok_or_else(|| wrong("a frame is of no known kind"))?;
    let [_, token @ .., low, high] = head;
    let body_bytes = bytes - HEAD_BYTES;
    let mut body = Vec::with_capacity(body_bytes.min(ROOM_BYTES_MAX));
    from.take(body_bytes as u64).read_to_end(&mut body).await?;
    if body.len() != body_bytes {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(Some(Frame {
        kind,
        token: Token::from_le_bytes(token),
        shard: u16::from_le_bytes([low, high]),
        body,
    }))
}

fn wrong(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lclq_shards::command::{
        Delivery, LeaseRef, QueueCommand, QueueRef, Receive, Refusal, SendEntry, ShardStats,
    };
    use lclq_shards::moves::{Address, Transfer};
    use lclq_shards::portable::{Exported, ImportCommand, Piece};
    use lclq_shards::pubsub::command::{PubsubCommand, TopicRef};
    use lclq_shards::pubsub::{TopicRecord, TopicSettings};
    use lclq_shards::{Draft, Payload, QueueName, Section};
    use proptest::prelude::*;
    use std::fmt::Debug;

    fn payload() -> Payload {
        let sections = [(Section::Group, &b"g"[..])].into_iter().collect();
        Draft {
            body: b"hello",
            sections,
            ..Draft::default()
        }
        .build()
    }

    fn queue() -> QueueRef {
        QueueRef {
            shard: 3,
            slot: 7,
            id: 1 << 40,
        }
    }

    fn lease() -> LeaseRef {
        LeaseRef {
            sequence: u64::MAX,
            slot: 1,
            receive_count: 2,
            received_at: 1_700_000_000_000,
        }
    }

    fn transfer() -> Box<Transfer> {
        Box::new(Transfer {
            source: 1,
            target: 2,
            number: 3,
            oldest: 2,
            to: Address::Queue(QueueName::new("r", "a", "q")),
            from: Address::Subscription {
                subscription: "s".into(),
                id: Some(4),
            },
            payload: payload(),
            receive_count: 5,
            first_received_at: 6,
            task: Some([7; 16]),
            returned: true,
        })
    }

    fn commands() -> Vec<Command> {
        let entry = SendEntry {
            payload: payload(),
            counted_bytes: 5,
            delay_s: Some(1),
            deduplication_from_content: true,
        };
        let topic = TopicRef {
            shard: 1,
            slot: 2,
            id: 3,
            version: 4,
        };
        // Journals keep the last two beside it.
        let record = Box::new(TopicRecord {
            id: 1,
            name: "t".into(),
            deleted: false,
            created_at: 2,
            settings: TopicSettings::default(),
            spec: b"spec"[..].into(),
            policy: b"policy"[..].into(),
        });
        vec![
            Command::Send {
                queue: queue(),
                entries: vec![entry.clone(), entry].into(),
            },
            Command::Receive(Receive {
                queue: queue(),
                messages_max: 10,
                visibility_timeout_s: None,
                wait_s: Some(20),
                attempt: Some("again".into()),
                client: 9,
            }),
            Command::Delete {
                queue: queue(),
                entries: [lease()].into_iter().collect(),
            },
            Command::Transfer(transfer()),
            Command::Queue(Box::new(QueueCommand::Create {
                name: QueueName::new("r", "a", "q"),
                attributes: [(
                    lclq_shards::attributes::QueueAttribute::Policy,
                    "{}".to_owned(),
                )]
                .into(),
                tags: [("k".to_owned(), "v".to_owned())].into(),
                recreate_after_ms: 0,
            })),
            Command::Queue(Box::new(QueueCommand::Import(ImportCommand::Topic(record)))),
            Command::Pubsub(Box::new(PubsubCommand::Publish {
                topic,
                messages: vec![b"one"[..].into(), b""[..].into()],
            })),
        ]
    }

    fn replies() -> Vec<Reply> {
        let delivery = Delivery {
            shard: 3,
            payload: payload(),
            lease: lease(),
            first_received_at: 8,
        };
        let pieces = vec![Piece::Transfer(transfer())];
        vec![
            Reply::Received([delivery].into_iter().collect()),
            Reply::Stale(Box::new(commands().remove(0))),
            Reply::Stats(Box::new(ShardStats {
                queues: 3,
                ..ShardStats::default()
            })),
            Reply::Exported(Box::new(Exported::Slice {
                pieces,
                is_last: true,
            })),
            Reply::Refused(Refusal::Unreachable),
        ]
    }

    fn round<T: Serialize + DeserializeOwned + Debug>(what: &T) {
        let body = encode_to(Vec::new(), what).unwrap();
        let read: T = decode(&body).unwrap();
        assert_eq!(format!("{read:?}"), format!("{what:?}"));
        for end in 0..body.len() {
            assert!(decode::<T>(&body[..end]).is_err(), "{what:?} up to {end}");
        }
        let mut more = body;
        more.push(0);
        assert!(decode::<T>(&more).is_err());
    }

    #[test]
    fn what_is_written_is_read() {
        commands().iter().for_each(round);
        replies().iter().for_each(round);
    }

    #[test]
    fn frames_come_as_they_were_put() {
        let mut out = Vec::new();
        put_hello(&mut out, "a", "bc");
        put_reply(&mut out, 7, 9, &Reply::Done).unwrap();
        put_head(&mut out, Kind::Cancel, u64::MAX, 0, 0);
        let hello = b"\x1d\0\0\0\x01\0\0\0\0\0\0\0\0\0\0lclq-node\x01\0\0\0\x01a\x02bc";
        let reply = b"\x0c\0\0\0\x04\x07\0\0\0\0\0\0\0\x09\0\x04";
        let cancel = b"\x0b\0\0\0\x03\xff\xff\xff\xff\xff\xff\xff\xff\0\0";
        assert_eq!(
            out,
            [&hello[..], reply, cancel].concat(),
            "other servers don't understand this any more: raise FORMAT"
        );
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(async {
            let mut rest = &out[..];
            let hello = read_frame(&mut rest).await.unwrap().unwrap();
            assert_eq!(read_hello(&hello).unwrap(), ("a", "bc"));
            let reply = read_frame(&mut rest).await.unwrap().unwrap();
            assert_eq!((reply.kind, reply.token, reply.shard), (Kind::Reply, 7, 9));
            assert!(matches!(decode(&reply.body).unwrap(), Reply::Done));
            assert!(read_hello(&reply).is_err());
            let cancel = read_frame(&mut rest).await.unwrap().unwrap();
            assert_eq!((cancel.kind, cancel.token), (Kind::Cancel, u64::MAX));
            assert!(read_frame(&mut rest).await.unwrap().is_none());
            // A length that can't be isn't made room for.
            let mut huge = &[0xff, 0xff, 0xff, 0xff, 4][..];
            assert!(read_frame(&mut huge).await.is_err());
            let mut early = &out[..20];
            assert!(read_frame(&mut early).await.is_err());
        });
    }

    proptest! {
        #[test]
        fn bytes_of_anybody_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = decode::<Command>(&bytes);
            let _ = decode::<Reply>(&bytes);
        }

        #[test]
        fn changed_bytes_do_no_harm(which in 0..7usize, at in any::<prop::sample::Index>(), to in any::<u8>()) {
            let mut body = command_body(&commands()[which]).unwrap();
            let at = at.index(body.len());
            body[at] = to;
            let _ = decode::<Command>(&body);
        }
    }
}
