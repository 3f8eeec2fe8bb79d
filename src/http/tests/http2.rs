use std::io::Write;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use h2::client::SendRequest;
use http::Request;

use super::{Server, is_closed, on_servers, wait_for};
use crate::http::HttpLimits;

/// Runs `f` as an HTTP/2 client.
fn client<F, Fut>(server: &Server, f: F)
where
    F: FnOnce(SendRequest<Bytes>) -> Fut,
    Fut: Future<Output = ()>,
{
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let stream = tokio::net::TcpStream::connect(server.addr()).await.unwrap();
        let (send, connection) = h2::client::handshake(stream).await.unwrap();
        tokio::spawn(async move {
            let _ = connection.await;
        });
        tokio::time::timeout(Duration::from_secs(30), f(send))
            .await
            .expect("hangs");
    });
}

async fn ask(send: &SendRequest<Bytes>, path: &str, body: &[u8]) -> Result<Vec<u8>, h2::Error> {
    let mut send = send.clone().ready().await?;
    let request = Request::post(format!("http://x{path}")).body(()).unwrap();
    let (reply, mut body_stream) = send.send_request(request, body.is_empty())?;
    if !body.is_empty() {
        body_stream.send_data(Bytes::copy_from_slice(body), true)?;
    }
    read(reply.await?.into_body()).await
}

async fn read(mut body: h2::RecvStream) -> Result<Vec<u8>, h2::Error> {
    let mut whole = Vec::new();
    while let Some(chunk) = body.data().await {
        let chunk = chunk?;
        whole.extend_from_slice(&chunk);
        let _ = body.flow_control().release_capacity(chunk.len());
    }
    Ok(whole)
}

#[test]
fn hundreds_of_streams_share_a_connection() {
    on_servers(HttpLimits::default(), |server| {
        client(server, |send| async move {
            let answers = (0..500).map(|n| {
                let send = send.clone();
                async move {
                    let body = format!("body {n}");
                    let echoed = ask(&send, "/echo", body.as_bytes()).await.unwrap();
                    assert_eq!(echoed, body.as_bytes());
                }
            });
            futures_util::future::join_all(answers).await;
            assert_eq!(server.shared.connections_open_total(), 1);
        });
    });
}

#[test]
fn megabytes_go_both_ways() {
    on_servers(HttpLimits::default(), |server| {
        client(server, |send| async move {
            let body: Vec<u8> = (0..3_000_000u32)
                .map(|byte| ((byte * 31) >> 3) as u8)
                .collect();
            assert!(ask(&send, "/echo", &body).await.unwrap() == body);
        });
    });
}

#[test]
fn a_preface_may_come_byte_by_byte() {
    on_servers(HttpLimits::default(), |server| {
        let mut client = server.connect();
        let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
        for byte in crate::http::io::PREFACE.iter().chain(&settings) {
            client.write_all(&[*byte]).unwrap();
            std::thread::sleep(Duration::from_millis(1));
        }
        let mut head = [0; 9];
        std::io::Read::read_exact(&mut client, &mut head).unwrap();
        assert_eq!(head[3], 4, "expected the server's SETTINGS, got {head:?}");
    });
}

#[test]
fn a_panicking_handler_costs_its_stream_only() {
    on_servers(HttpLimits::default(), |server| {
        client(server, |send| async move {
            let poll = ask(&send, "/poll", b"");
            let panic = ask(&send, "/panic", b"");
            let (poll, panic) = futures_util::future::join(poll, panic).await;
            assert!(panic.is_err());
            assert_eq!(poll.unwrap(), b"polled");
            assert_eq!(ask(&send, "/fine", b"").await.unwrap(), b"/fine");
        });
    });
}

#[test]
fn a_slow_body_is_cut_off() {
    let limits = HttpLimits {
        body_read_ms_max: 100,
        ..HttpLimits::default()
    };
    on_servers(limits, |server| {
        client(server, |send| async move {
            let mut send = send.ready().await.unwrap();
            let request = Request::post("http://x/echo").body(()).unwrap();
            let (reply, _never_sent) = send.send_request(request, false).unwrap();
            let body = reply.await.unwrap().into_body();
            assert_eq!(read(body).await.unwrap(), b"Timeout");
        });
    });
}

#[test]
fn a_reset_takes_its_long_poll_along() {
    on_servers(HttpLimits::default(), |server| {
        client(server, |send| async move {
            let mut send = send.ready().await.unwrap();
            let request = Request::get("http://x/poll").body(()).unwrap();
            let (reply, mut stream) = send.send_request(request, true).unwrap();
            tokio::time::sleep(Duration::from_millis(50)).await;
            assert_eq!(server.seen.polls.load(Ordering::SeqCst), 1);
            stream.send_reset(h2::Reason::CANCEL);
            drop(reply);
            tokio::time::sleep(Duration::from_millis(100)).await;
            assert_eq!(server.seen.dropped.load(Ordering::SeqCst), 1);
        });
    });
}

#[test]
fn idle_connections_are_closed() {
    let limits = HttpLimits {
        header_ms_max: 100,
        idle_ms_max: 100,
        ..HttpLimits::default()
    };
    on_servers(limits, |server| {
        client(server, |send| async move {
            assert_eq!(ask(&send, "/fine", b"").await.unwrap(), b"/fine");
            tokio::time::sleep(Duration::from_millis(600)).await;
            assert!(ask(&send, "/fine", b"").await.is_err());
        });
        wait_for("the connection to close", || {
            server.shared.connections_open_total() == 0
        });
    });
}

#[test]
fn garbage_after_the_preface_closes_the_connection() {
    on_servers(HttpLimits::default(), |server| {
        let mut client = server.connect();
        client.write_all(crate::http::io::PREFACE).unwrap();
        client.write_all(&[0xff; 200]).unwrap();
        assert!(is_closed(&mut client));
    });
}
