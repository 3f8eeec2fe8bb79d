//! A port behind which a server seems far away: what goes in comes out a millisecond later, either way.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::channel;
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant};

/// What one way takes.
const WAY: Duration = Duration::from_millis(1);
/// Bytes that are taken at once.
const PIECE_BYTES: usize = 256 << 10;

pub struct Far {
    port: u16,
}

impl Far {
    /// Before what listens at a port of this machine, for as long as this process lives.
    pub fn before(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        spawn(move || {
            for near in listener.incoming() {
                let near = near.unwrap();
                let far = TcpStream::connect(("127.0.0.1", server)).unwrap();
                for socket in [&near, &far] {
                    socket.set_nodelay(true).unwrap();
                }
                carry(near.try_clone().unwrap(), far.try_clone().unwrap());
                carry(far, near);
            }
        });
        Self { port }
    }

    pub fn port(&self) -> u16 {
        self.port
    }
}

/// Takes all the time what comes, so that many pieces are on their way at once.
fn carry(mut from: TcpStream, mut to: TcpStream) {
    let (send, arriving) = channel::<(Instant, Vec<u8>)>();
    spawn(move || {
        let mut piece = vec![0; PIECE_BYTES];
        while let Ok(length @ 1..) = from.read(&mut piece) {
            let arrives = Instant::now() + WAY;
            if send.send((arrives, piece[..length].to_vec())).is_err() {
                return;
            }
        }
    });
    spawn(move || {
        for (arrives, piece) in arriving {
            sleep(arrives.saturating_duration_since(Instant::now()));
            if to.write_all(&piece).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Both);
    });
}
