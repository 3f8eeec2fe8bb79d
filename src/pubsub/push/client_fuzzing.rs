//! The client with a server on loopback that says what it is told to, for tests/fuzz.

use super::{HttpOutcome, HttpRequest, PushConfig, Shared, Thread};
use bytes::Bytes;
use http::{HeaderMap, Method, Uri};
use std::sync::OnceLock;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::task::yield_now;

/// Time for a request, ms. All that is to be waited for is on this thread, but others may keep the CPU.
const REQUEST_MS_MAX: u64 = 30_000;

/// Turns in which the rest of an answer is read.
const DRAIN_TURNS: usize = 8;

/// Both sides of a request, on the calling thread.
pub struct Pushing {
    runtime: Runtime,
    thread: Thread,
    listener: TcpListener,
    uri: Uri,
}

impl Pushing {
    /// Listens.
    ///
    /// # Panics
    /// Where there is no port.
    pub fn new() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime");
        let shared = Shared {
            config: PushConfig::default(),
            authorities: Vec::new(),
            work: OnceLock::new(),
        };
        let thread = Thread::new(&shared).expect("a client");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"));
        let listener = listener.expect("a port");
        let address = listener.local_addr().expect("an address");
        Self {
            runtime,
            thread,
            listener,
            uri: format!("http://{address}/push").parse().expect("a URL"),
        }
    }

    /// Makes a request that is answered so. A status that comes of it is one of HTTP's.
    pub fn answered(&mut self, answer: &[u8]) {
        let request = HttpRequest {
            method: Method::POST,
            uri: self.uri.clone(),
            headers: HeaderMap::new(),
            body: Bytes::from_static(b"{}"),
            timeout: Duration::from_millis(REQUEST_MS_MAX),
            token: None,
        };
        let Self {
            runtime,
            thread,
            listener,
            ..
        } = self;
        runtime.block_on(async {
            let serving = async {
                let (mut stream, _) = listener.accept().await?;
                // No connection is left behind, however many there are.
                stream.set_zero_linger()?;
                let mut asked = [0; 1024];
                if stream.read(&mut asked).await? == 0 {
                    return Ok(());
                }
                stream.write_all(answer).await?;
                stream.shutdown().await?;
                while stream.read(&mut asked).await? > 0 {}
                std::io::Result::Ok(())
            };
            let asking = async {
                let outcome = tokio::time::timeout(request.timeout, thread.request(request)).await;
                for _ in 0..DRAIN_TURNS {
                    yield_now().await;
                }
                outcome
            };
            let (_, outcome) = futures_util::future::join(serving, asking).await;
            match outcome.expect("what was answered and closed is soon over") {
                HttpOutcome::Status(status) => assert!((100..1000).contains(&status)),
                HttpOutcome::TimedOut => unreachable!("only its caller counts the time"),
                HttpOutcome::Failed(_) => {}
            }
        });
    }
}

impl Default for Pushing {
    fn default() -> Self {
        Self::new()
    }
}
