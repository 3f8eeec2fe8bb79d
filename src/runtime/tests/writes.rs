//! What is written arrives: in order, whatever its length, and however busy the core is.

use std::cell::Cell;
use std::future::poll_fn;
use std::io::{Read, Write};
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use hyper::rt::Write as _;

use super::on_cores;
use super::sockets::{ANY, read, write_all};
use crate::runtime::{SharedListener, Stream, sleep, spawn_local, timeout, yield_now};

type Ends = (std::net::TcpStream, Stream);

/// Connections that are heard in one turn of a ring, so that it sends for them together.
const CROWD: usize = 8;

/// A connection's two ends, and others beside it that have spoken at the same time. The clients' ends
/// block.
async fn connected() -> (Ends, Vec<Ends>) {
    let shared = SharedListener::bind(ANY, 1).unwrap();
    let mut listener = shared.listener(0).unwrap();
    let mut all = Vec::new();
    for _ in 0..CROWD {
        let mut client = std::net::TcpStream::connect(shared.local_addr()).unwrap();
        client
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        client.write_all(b"!").unwrap();
        all.push((client, listener.accept().await.unwrap()));
    }
    let (told, mut telling) = tokio::sync::mpsc::unbounded_channel();
    for (client, mut stream) in all {
        let told = told.clone();
        spawn_local(async move {
            assert_eq!(read(&mut stream, &mut [0; 8]).await.unwrap(), 1);
            let _ = told.send((client, stream));
        });
    }
    let mut ends = Vec::new();
    while ends.len() < CROWD {
        ends.push(telling.recv().await.expect("as many as there are"));
    }
    (ends.pop().expect("a crowd"), ends)
}

async fn shutdown(stream: &mut Stream) {
    let ended = poll_fn(|cx| Pin::new(&mut *stream).poll_shutdown(cx));
    ended.await.unwrap();
}

/// Reads to the end on a thread of its own; the core goes on meanwhile.
async fn all_of(mut client: std::net::TcpStream) -> std::io::Result<Vec<u8>> {
    let reading = std::thread::spawn(move || {
        let mut all = Vec::new();
        client.read_to_end(&mut all).map(|_| all)
    });
    while !reading.is_finished() {
        sleep(Duration::from_millis(1)).await;
    }
    reading.join().unwrap()
}

#[test]
fn short_and_long_writes_keep_their_order() {
    on_cores(1, |kind, _| async move {
        let ((client, mut stream), _others) = connected().await;
        // More than a socket holds, and lengths on both sides of every bound.
        let lengths = [1, 300, 1023, 1025, 4096, 4097, 9000, 200_000, 2];
        let pieces = lengths.iter().cycle().take(60 * lengths.len());
        let pieces: Vec<Vec<u8>> = (0u32..)
            .zip(pieces)
            .map(|(n, len)| vec![n as u8; *len])
            .collect();
        let sent = pieces.concat();
        spawn_local(async move {
            for piece in &pieces {
                write_all(&mut stream, piece).await.unwrap();
            }
            shutdown(&mut stream).await;
        });
        // The writer has to wait for room before anybody reads.
        sleep(Duration::from_millis(20)).await;
        let arrived = all_of(client).await.unwrap();
        assert!(
            arrived == sent,
            "{kind}: {} of {} bytes",
            arrived.len(),
            sent.len()
        );
    });
}

#[test]
fn a_short_write_arrives_though_its_stream_is_dropped_at_once() {
    on_cores(1, |kind, _| async move {
        for ends_well in [true, false] {
            let ((client, mut stream), _others) = connected().await;
            write_all(&mut stream, b"goodbye").await.unwrap();
            if ends_well {
                shutdown(&mut stream).await;
            }
            drop(stream);
            assert_eq!(all_of(client).await.unwrap(), b"goodbye", "{kind}");
        }
    });
}

#[test]
fn one_that_speaks_has_all_answered_in_order() {
    on_cores(1, |kind, _| async move {
        let ((mut client, stream), others) = connected().await;
        // Alone, a few times, so that nobody else was heard in the last turn.
        let (mut stream, mut all) = (stream, others);
        for _ in 0..3 {
            client.write_all(b"?").unwrap();
            assert_eq!(read(&mut stream, &mut [0; 8]).await.unwrap(), 1);
            write_all(&mut stream, b".").await.unwrap();
        }
        for (_, other) in &mut all {
            for piece in [&b"one "[..], b"two ", &[b'3'; 5_000], b"four"] {
                write_all(other, piece).await.unwrap();
            }
        }
        let expected = [&b"one two "[..], &[b'3'; 5_000], b"four"].concat();
        for (client, mut other) in all {
            shutdown(&mut other).await;
            drop(other);
            assert!(all_of(client).await.unwrap() == expected, "{kind}");
        }
    });
}

#[test]
fn a_core_that_never_sleeps_sends_all_the_same() {
    on_cores(1, |kind, _| async move {
        let ((mut client, mut stream), _others) = connected().await;
        let busy = Rc::new(Cell::new(true));
        let still = busy.clone();
        spawn_local(async move {
            while still.get() {
                yield_now().await;
            }
        });
        write_all(&mut stream, b"now").await.unwrap();
        let arrived = std::thread::spawn(move || {
            let mut arrived = [0; 3];
            client.read_exact(&mut arrived).map(|()| arrived)
        });
        let waiting = async {
            while !arrived.is_finished() {
                yield_now().await;
            }
        };
        let waited = timeout(Duration::from_secs(5), waiting).await;
        assert!(waited.is_ok(), "{kind}: a busy core sends nothing");
        busy.set(false);
        assert_eq!(&arrived.join().unwrap().unwrap(), b"now");
    });
}

#[test]
fn writing_to_a_client_that_has_gone_is_an_error() {
    on_cores(1, |kind, _| async move {
        let ((client, mut stream), _others) = connected().await;
        socket2::Socket::from(client)
            .set_linger(Some(Duration::ZERO))
            .unwrap();
        let writing = async {
            while write_all(&mut stream, b"is anybody there?").await.is_ok() {
                sleep(Duration::from_millis(1)).await;
            }
        };
        let ended = timeout(Duration::from_secs(5), writing).await;
        assert!(ended.is_ok(), "{kind}: writes go on and on");
    });
}
