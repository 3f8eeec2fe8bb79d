use bytes::Bytes;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::client::{Messages, begin, call, client, framed, head, send_all};
use super::on_servers;
use crate::grpc::GrpcLimits;
use crate::http::HttpLimits;

async fn until(condition: impl Fn() -> bool) {
    while !condition() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[test]
fn a_stream_talks_both_ways_at_once() {
    on_servers(HttpLimits::default(), |server| {
        client(server, |send| async move {
            let (reply, mut stream) = begin(&send, head("/test/Chat", &[])).await;
            // The head comes before anything has been sent.
            let mut messages = Messages::of(reply).await;
            for round in 0..20 {
                // Several in one DATA frame.
                let texts: Vec<_> = (0..50).map(|n| format!("{round}.{n}")).collect();
                let frames: Vec<_> = texts.iter().map(|text| framed(text.as_bytes())).collect();
                send_all(&mut stream, frames.concat().into(), false).await;
                for text in &texts {
                    assert_eq!(messages.next().await.unwrap(), text);
                }
            }
            stream.send_data(Bytes::new(), true).unwrap();
            assert_eq!(messages.status().await, "0");
        });
    });
}

#[test]
fn a_client_that_never_reads_costs_a_bounded_queue() {
    on_servers(HttpLimits::default(), |server| {
        let seen = &server.seen;
        client(server, |send| async move {
            let (reply, mut stream) = begin(&send, head("/test/Flood", &[])).await;
            let mut messages = Messages::of(reply).await;
            until(|| seen.sent_bytes.load(Ordering::SeqCst) >= 300_000).await;
            // Whatever it asks meanwhile is looked at, though nothing can leave.
            for n in 1..=10 {
                send_all(&mut stream, framed(b"x"), false).await;
                until(|| seen.requests.load(Ordering::SeqCst) == n).await;
            }
            // The queue, the window of 64 KiB, and what is between.
            let bound = GrpcLimits::default().stream_queue_bytes_max + 65_535 + 2 * 65_536;
            tokio::time::sleep(Duration::from_millis(200)).await;
            let sent = seen.sent_bytes.load(Ordering::SeqCst);
            assert!(sent <= bound, "{sent} bytes were queued");
            // Once it reads, the flood goes on.
            for _ in 0..5_000 {
                assert_eq!(messages.next().await.unwrap().len(), 1000);
            }
        });
    });
}

#[test]
fn a_client_that_goes_takes_its_handler_along() {
    on_servers(HttpLimits::default(), |server| {
        let gone = || server.seen.gone.load(Ordering::SeqCst);
        client(server, |send| async move {
            for (n, method) in ["/test/Chat", "/test/Flood"].into_iter().enumerate() {
                let (reply, mut stream) = begin(&send, head(method, &[])).await;
                let messages = Messages::of(reply).await;
                until(|| server.seen.begun.load(Ordering::SeqCst) == n + 1).await;
                stream.send_reset(h2::Reason::CANCEL);
                drop(messages);
                until(|| gone() == n + 1).await;
            }
        });
        // And so does one whose connection breaks.
        client(server, |send| async move {
            let (reply, _stream) = begin(&send, head("/test/Chat", &[])).await;
            let _messages = Messages::of(reply).await;
            until(|| server.seen.begun.load(Ordering::SeqCst) == 3).await;
        });
        super::wait_for("the last handler to go", || gone() == 3);
    });
}

#[test]
fn a_panicking_handler_costs_its_stream_only() {
    on_servers(HttpLimits::default(), |server| {
        client(server, |send| async move {
            let (reply, _stream) = begin(&send, head("/test/Panic", &[])).await;
            assert_eq!(Messages::of(reply).await.status().await, "13");
            let reply = call(&send, "/test/Echo", &[], framed(b"fine")).await;
            assert_eq!(reply.messages(), ["fine"]);
        });
    });
}

#[test]
fn broken_requests_end_their_stream() {
    on_servers(HttpLimits::default(), |server| {
        client(server, |send| async move {
            for (body, status) in [
                (&[7, 0, 0, 0, 0][..], "13"),
                (&[1, 0, 0, 0, 0][..], "13"),
                (&[0, 255, 0, 0, 0][..], "3"),
            ] {
                let (reply, mut stream) = begin(&send, head("/test/Chat", &[])).await;
                let mut messages = Messages::of(reply).await;
                send_all(&mut stream, framed(b"good"), false).await;
                assert_eq!(messages.next().await.unwrap(), "good");
                send_all(&mut stream, Bytes::from_static(body), false).await;
                assert_eq!(messages.status().await, status);
            }
            let (reply, mut stream) = begin(&send, head("/test/Chat", &[])).await;
            send_all(&mut stream, Bytes::from_static(&[0, 0]), true).await;
            assert_eq!(Messages::of(reply).await.status().await, "13");
        });
    });
}

#[test]
fn a_stream_has_a_deadline_too() {
    on_servers(HttpLimits::default(), |server| {
        client(server, |send| async move {
            let timed = head("/test/Chat", &[("grpc-timeout", "100m")]);
            let (reply, _stream) = begin(&send, timed).await;
            assert_eq!(Messages::of(reply).await.status().await, "4");
        });
    });
}

#[test]
fn a_quiet_stream_outlives_an_idle_connection() {
    let limits = HttpLimits {
        header_ms_max: 100,
        idle_ms_max: 100,
        body_read_ms_max: 100,
        http2_ping_every_ms: 100,
        ..HttpLimits::default()
    };
    on_servers(limits, |server| {
        client(server, |send| async move {
            let (reply, mut stream) = begin(&send, head("/test/Chat", &[])).await;
            let mut messages = Messages::of(reply).await;
            tokio::time::sleep(Duration::from_millis(1_000)).await;
            send_all(&mut stream, framed(b"still here"), false).await;
            assert_eq!(messages.next().await.unwrap(), "still here");
            let reply = call(&send, "/test/Echo", &[], framed(b"fine")).await;
            assert_eq!(reply.messages(), ["fine"]);
        });
    });
}

#[test]
fn streams_end_when_the_core_stops() {
    on_servers(HttpLimits::default(), |server| {
        client(server, |send| async move {
            let (reply, mut stream) = begin(&send, head("/test/Chat", &[])).await;
            let mut messages = Messages::of(reply).await;
            send_all(&mut stream, framed(b"first"), false).await;
            assert_eq!(messages.next().await.unwrap(), "first");
            server.streams_end.trigger();
            assert_eq!(messages.status().await, "14");
            // Unary calls go on, new streams don't.
            let reply = call(&send, "/test/Echo", &[], framed(b"fine")).await;
            assert_eq!(reply.messages(), ["fine"]);
            let (reply, _stream) = begin(&send, head("/test/Chat", &[])).await;
            assert_eq!(Messages::of(reply).await.status().await, "14");
        });
    });
}

#[test]
fn a_thousand_streams_share_a_connection() {
    on_servers(HttpLimits::default(), |server| {
        client(server, |send| async move {
            let mut streams = Vec::new();
            for n in 0..1_000 {
                let (reply, mut stream) = begin(&send, head("/test/Chat", &[])).await;
                let text = format!("stream {n}");
                send_all(&mut stream, framed(text.as_bytes()), false).await;
                streams.push((Messages::of(reply).await, stream, text));
            }
            for (messages, _, text) in &mut streams {
                assert_eq!(messages.next().await.unwrap(), *text);
            }
            assert_eq!(server.shared.connections_open_total(), 1);
        });
    });
}
