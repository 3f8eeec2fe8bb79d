use std::future::poll_fn;
use std::io::{IoSlice, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::task::{Poll, ready};
use std::time::Duration;

use hyper::rt::{Read as _, ReadBuf, Write as _};

use super::{drivers, join, on_cores};
use crate::runtime::{SharedListener, Shutdown, Stream, sleep, spawn_cores, spawn_local, timeout};

pub(super) const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

pub(super) async fn read(stream: &mut Stream, buf: &mut [u8]) -> std::io::Result<usize> {
    poll_fn(|cx| {
        let mut target = ReadBuf::new(buf);
        ready!(Pin::new(&mut *stream).poll_read(cx, target.unfilled()))?;
        Poll::Ready(Ok(target.filled().len()))
    })
    .await
}

pub(super) async fn write_all(stream: &mut Stream, mut bytes: &[u8]) -> std::io::Result<()> {
    while !bytes.is_empty() {
        // In two pieces, so that the vectored path is what is tested.
        let (left, right) = bytes.split_at(bytes.len() / 2);
        let sent = poll_fn(|cx| {
            let pieces = [IoSlice::new(left), IoSlice::new(right)];
            Pin::new(&mut *stream).poll_write_vectored(cx, &pieces)
        })
        .await?;
        bytes = &bytes[sent..];
    }
    Ok(())
}

async fn echo(mut stream: Stream) {
    let mut buf = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = read(&mut stream, &mut buf).await {
        if write_all(&mut stream, &buf[..count]).await.is_err() {
            return;
        }
    }
    let _ = poll_fn(|cx| Pin::new(&mut stream).poll_shutdown(cx)).await;
}

/// An echo server on the calling core.
fn serve_echo(shared: &SharedListener, core: usize) {
    let mut listener = shared.listener(core).unwrap();
    spawn_local(async move {
        loop {
            spawn_local(echo(listener.accept().await.unwrap()));
        }
    });
}

/// Echo servers on `count` cores, until `f` returns.
fn with_echo(count: usize, f: impl Fn(&SharedListener)) {
    for kind in drivers() {
        let shared = SharedListener::bind(ANY, count).unwrap();
        let shutdown = Shutdown::new();
        let (on_core, stop) = (shared.clone(), shutdown.clone());
        let cores = spawn_cores(kind, count, move |core| {
            let (shared, stop) = (on_core.clone(), stop.clone());
            async move {
                serve_echo(&shared, core);
                stop.wait().await;
            }
        })
        .unwrap();
        f(&shared);
        shutdown.trigger();
        join(kind, cores).unwrap();
    }
}

#[test]
fn megabytes_are_echoed_from_every_core() {
    with_echo(2, |shared| {
        assert_ne!(shared.local_addr().port(), 0);
        let sent: Vec<u8> = (0..3_000_000u32)
            .map(|byte| ((byte * 31) >> 3) as u8)
            .collect();
        for _ in 0..4 {
            let mut reader = std::net::TcpStream::connect(shared.local_addr()).unwrap();
            let mut writer = reader.try_clone().unwrap();
            let sending = sent.clone();
            let writing = std::thread::spawn(move || {
                writer.write_all(&sending).unwrap();
                writer.shutdown(std::net::Shutdown::Write).unwrap();
            });
            // Slow at first, so that the server's writes have to wait for room.
            std::thread::sleep(Duration::from_millis(20));
            let mut echoed = Vec::new();
            reader.read_to_end(&mut echoed).unwrap();
            writing.join().unwrap();
            assert!(echoed == sent, "{} of {} bytes", echoed.len(), sent.len());
        }
    });
}

#[test]
fn connections_are_shared_out_evenly() {
    with_echo(2, |shared| {
        let clients: Vec<_> = (0..33)
            .map(|_| {
                let mut client = std::net::TcpStream::connect(shared.local_addr()).unwrap();
                client
                    .set_read_timeout(Some(Duration::from_secs(10)))
                    .unwrap();
                client.write_all(b"?").unwrap();
                client.read_exact(&mut [0]).unwrap();
                client
            })
            .collect();
        let open = [shared.connections_open(0), shared.connections_open(1)];
        assert!(open == [16, 17] || open == [17, 16], "{open:?}");
        assert_eq!(shared.connections_open_total(), 33);
        drop(clients);
        for _ in 0..200 {
            if shared.connections_open_total() == 0 {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!(
            "{} connections are still counted",
            shared.connections_open_total()
        );
    });
}

#[test]
fn a_port_in_use_is_an_error() {
    let held = SharedListener::bind(ANY, 1).unwrap();
    let error = SharedListener::bind(held.local_addr(), 1).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
    assert!(
        error.to_string().contains(&held.local_addr().to_string()),
        "{error}"
    );
}

#[test]
fn connecting_out_works_and_fails_well() {
    on_cores(1, |_, _| async {
        let shared = SharedListener::bind(ANY, 1).unwrap();
        let mut listener = shared.listener(0).unwrap();
        spawn_local(async move { echo(listener.accept().await.unwrap()).await });
        let mut stream = Stream::connect(shared.local_addr()).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), shared.local_addr());
        stream.end_after_silence(Duration::from_secs(3)).unwrap();
        write_all(&mut stream, b"hello").await.unwrap();
        let mut buf = [0; 16];
        assert_eq!(read(&mut stream, &mut buf).await.unwrap(), 5);
        assert_eq!(&buf[..5], b"hello");

        let closed = std::net::TcpListener::bind(ANY)
            .unwrap()
            .local_addr()
            .unwrap();
        let refused = Stream::connect(closed).await.map(|_| ()).unwrap_err();
        assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    });
}

#[test]
fn a_reset_is_an_error_and_not_an_end() {
    on_cores(1, |kind, _| async move {
        let shared = SharedListener::bind(ANY, 1).unwrap();
        let mut listener = shared.listener(0).unwrap();
        let addr = shared.local_addr();
        let client = std::thread::spawn(move || {
            let client = socket2::Socket::from(std::net::TcpStream::connect(addr).unwrap());
            std::thread::sleep(Duration::from_millis(20));
            // Close with RST.
            client.set_linger(Some(Duration::ZERO)).unwrap();
        });
        let mut stream = listener.accept().await.unwrap();
        let mut buf = [0; 16];
        let result = timeout(Duration::from_secs(5), read(&mut stream, &mut buf))
            .await
            .unwrap();
        let error = result.expect_err("a reset isn't an end");
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "{kind}");
        client.join().unwrap();
    });
}

#[test]
fn accepting_can_be_cancelled() {
    on_cores(1, |_, _| async {
        let shared = SharedListener::bind(ANY, 1).unwrap();
        let mut listener = shared.listener(0).unwrap();
        assert!(
            timeout(Duration::from_millis(20), listener.accept())
                .await
                .is_err()
        );
        let _client = std::net::TcpStream::connect(shared.local_addr()).unwrap();
        timeout(Duration::from_secs(5), listener.accept())
            .await
            .unwrap()
            .unwrap();
    });
}

/// More than a core's pool of buffers can hold, however it is shared.
const SILENT: usize = 300;
const UNREAD_BYTES: usize = 24 * 1024;

/// What the `n`th client sends.
fn sent_by(n: usize) -> Vec<u8> {
    (0..UNREAD_BYTES).map(|at| (at * 7 + n) as u8).collect()
}

#[test]
fn what_nobody_reads_keeps_nobody_else_from_reading() {
    on_cores(1, |kind, _| async move {
        let shared = SharedListener::bind(ANY, 1).unwrap();
        let mut listener = shared.listener(0).unwrap();
        let addr = shared.local_addr();
        let clients = std::thread::spawn(move || {
            let mut clients = Vec::new();
            for n in 0..SILENT {
                let mut client = std::net::TcpStream::connect(addr).unwrap();
                client.write_all(&sent_by(n)).unwrap();
                clients.push(client);
            }
            let mut talking = std::net::TcpStream::connect(addr).unwrap();
            let limit = Some(Duration::from_secs(20));
            talking.set_read_timeout(limit).unwrap();
            for n in 0..100u8 {
                talking.write_all(&[n; 1000]).unwrap();
                let mut echoed = [0; 1000];
                talking.read_exact(&mut echoed).unwrap();
                assert_eq!(echoed, [n; 1000]);
            }
            // The silent ones are closed: what they sent is still there to be read, then the end.
        });
        let mut unread = Vec::new();
        for n in 0..SILENT {
            let mut stream = listener.accept().await.unwrap();
            // So that it has begun to receive.
            let mut first = [0];
            assert_eq!(read(&mut stream, &mut first).await.unwrap(), 1);
            assert_eq!(first[0], sent_by(n)[0]);
            unread.push(stream);
        }
        let talking = listener.accept().await.unwrap();
        timeout(Duration::from_secs(30), echo(talking))
            .await
            .unwrap_or_else(|_| panic!("{kind}: the others' bytes are in the way"));
        for (n, stream) in unread.iter_mut().enumerate() {
            let mut rest = Vec::new();
            let mut buf = [0; 3000];
            loop {
                match read(stream, &mut buf).await.unwrap() {
                    0 => break,
                    count => rest.extend_from_slice(&buf[..count]),
                }
            }
            assert!(rest == sent_by(n)[1..], "{kind}: {} bytes", rest.len());
        }
        clients.join().unwrap();
    });
}

#[test]
fn a_dropped_stream_closes_at_once_whatever_it_waited_for() {
    on_cores(1, |kind, _| async move {
        let shared = SharedListener::bind(ANY, 1).unwrap();
        let mut listener = shared.listener(0).unwrap();
        for full in [false, true] {
            let mut client = std::net::TcpStream::connect(shared.local_addr()).unwrap();
            client
                .set_read_timeout(Some(Duration::from_secs(10)))
                .unwrap();
            let mut stream = listener.accept().await.unwrap();
            let quick = Duration::from_millis(20);
            let mut buf = [0; 16];
            assert!(timeout(quick, read(&mut stream, &mut buf)).await.is_err());
            if full {
                let more = vec![7; 16 << 20];
                let writing = timeout(quick, write_all(&mut stream, &more)).await;
                assert!(writing.is_err(), "{kind}: a socket holds no 16 MiB");
            }
            drop(stream);
            let ended = std::thread::spawn(move || client.read_to_end(&mut Vec::new()));
            while !ended.is_finished() {
                sleep(Duration::from_millis(1)).await;
            }
            ended.join().unwrap().unwrap();
        }
    });
}

/// CPU that the calling thread has taken so far.
#[cfg(target_os = "linux")]
fn thread_cpu() -> Duration {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: clock_gettime fills one timespec.
    let read = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    assert_eq!(read, 0);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

#[cfg(target_os = "linux")]
#[test]
fn a_core_sleeps_when_its_clients_fall_silent() {
    for kind in drivers() {
        let shared = SharedListener::bind(ANY, 2).unwrap();
        let addr = shared.local_addr();
        let silent = Shutdown::new();
        let quiet = silent.clone();
        let cores = spawn_cores(kind, 2, move |core| {
            let (shared, quiet) = (shared.clone(), quiet.clone());
            async move {
                serve_echo(&shared, core);
                quiet.wait().await;
                // The last echoes are on their way.
                sleep(Duration::from_millis(50)).await;
                let before = thread_cpu();
                sleep(Duration::from_millis(300)).await;
                let busy = thread_cpu() - before;
                assert!(busy < Duration::from_millis(100), "{kind}: {busy:?}");
            }
        })
        .unwrap();
        let clients: Vec<_> = (0..16)
            .map(|_| {
                std::thread::spawn(move || {
                    let mut client = std::net::TcpStream::connect(addr).unwrap();
                    for _ in 0..1000 {
                        client.write_all(&[1; 300]).unwrap();
                        client.read_exact(&mut [0; 300]).unwrap();
                    }
                    client
                })
            })
            .collect();
        let connected: Vec<_> = clients.into_iter().map(|c| c.join().unwrap()).collect();
        silent.trigger();
        join(kind, cores).unwrap();
        drop(connected);
    }
}
