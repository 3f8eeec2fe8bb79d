//! A node that asks and doesn't read what it is answered.

use crate::frames::{COMMAND, frame, hello};
use crate::nodes::{Store, create, send};
use crate::support::{Server, status_bytes};
use lclq::cluster::{Identity, PROTOCOL, command_body, decode};
use lclq_shards::QueueName;
use lclq_shards::command::{Command, QueueCommand, QueueRef, Reply};
use lclq_stores::{Beat, Member, StoreNode, StoreSettings, Surroundings};
use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsConnector;

/// Each of their answers has a message of a mebibyte.
const QUESTIONS: usize = 2_000;
/// What they may take of a node's memory: far less than the answers.
const GROWTH_MAX: u64 = 500 << 20;
/// Longer than a node waits for another to read.
const PATIENCE: Duration = Duration::from_secs(40);

fn resident(node: &Server) -> u64 {
    status_bytes(node.pid(), "VmRSS:").expect("a size")
}

fn question(token: u64, shard: u16, command: QueueCommand) -> Vec<u8> {
    let body = command_body(&Command::Queue(Box::new(command))).unwrap();
    frame(COMMAND, token, shard, &body)
}

/// The body of the next frame.
async fn read(from: &mut (impl AsyncReadExt + Unpin)) -> Vec<u8> {
    let length = from.read_u32_le().await.unwrap() as usize;
    let mut frame = vec![0; length];
    from.read_exact(&mut frame).await.unwrap();
    frame.split_off(11)
}

/// Asks again and again for a large message, and reads nothing. Answers once the node has ended that.
async fn ask(node: &Server, of: &Member, me: &Member, identity: &Identity) {
    let stream = tokio::net::TcpStream::connect(node.node_address());
    let connector = TlsConnector::from(identity.client(&of.key_hash).unwrap());
    let name = rustls::pki_types::ServerName::try_from("any.invalid").unwrap();
    let stream = connector.connect(name, stream.await.unwrap()).await;
    let mut stream = stream.unwrap();
    stream.write_all(&hello(&me.node, &of.node)).await.unwrap();
    stream.flush().await.unwrap();
    read(&mut stream).await;
    let queue = QueueName::new("us-east-1", "000000000000", "queue");
    let shard = queue.shard(crate::nodes::SHARDS.parse().unwrap());
    let resolve = question(1, shard, QueueCommand::Resolve(queue));
    stream.write_all(&resolve).await.unwrap();
    stream.flush().await.unwrap();
    let reply: Reply = decode(&read(&mut stream).await).unwrap();
    let Reply::Queue(queue) = reply else {
        panic!("{reply:?}")
    };
    let began = Instant::now();
    for token in 0..QUESTIONS as u64 {
        let peek = QueueCommand::Peek {
            queue: QueueRef { ..queue },
            after: 0,
            near: None,
            messages_max: 1,
        };
        let asked = stream.write_all(&question(token, shard, peek)).await;
        if asked.is_err() {
            return;
        }
    }
    let _ = stream.flush().await;
    // It ends the connection before it has answered all.
    let (mut answered, mut room) = (0, vec![0; 1 << 20]);
    tokio::time::sleep(Duration::from_secs(12)).await;
    while let Ok(Ok(read @ 1..)) = tokio::time::timeout(PATIENCE, stream.read(&mut room)).await {
        answered += read;
    }
    assert!(
        answered < QUESTIONS << 19,
        "it has waited: {answered} bytes"
    );
    assert!(began.elapsed() < PATIENCE, "{:?}", began.elapsed());
}

#[test]
fn a_node_that_does_not_read_is_given_up() {
    let store = Store::redis();
    let node = store.node().start();
    let mut client = node.client();
    create(&mut client, "queue");
    send(&mut client, "queue", &"x".repeat((1 << 20) - 100));
    let known = store.members();
    // Where it says it is, somebody listens, so that it isn't taken for gone.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let identity = Identity::new().unwrap();
    let me = Arc::new(Member {
        node: "deaf".into(),
        address: listener.local_addr().unwrap().to_string().into(),
        protocol: PROTOCOL,
        key_hash: identity.hash().into(),
    });
    let settings = StoreSettings::new(&store.url(), None).unwrap();
    let of_store = StoreNode::start(settings, Surroundings::default()).unwrap();
    let beat = Beat {
        member: me.clone(),
        draining: true,
        owns: BTreeMap::new(),
    };
    of_store.membership().beat(beat).unwrap();
    // The node looks each second.
    std::thread::sleep(Duration::from_millis(2_500));
    let before = resident(&node);
    let most = std::thread::scope(|scope| {
        let asking = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime
                .unwrap()
                .block_on(ask(&node, &known[0], &me, &identity));
        });
        let mut most = 0;
        while !asking.is_finished() {
            most = most.max(resident(&node));
            std::thread::sleep(Duration::from_millis(50));
        }
        asking.join().unwrap();
        most
    });
    let grown = most.saturating_sub(before);
    assert!(grown < GROWTH_MAX, "{} MiB", grown >> 20);
    send(&mut client, "queue", "still there");
    node.stop();
}
