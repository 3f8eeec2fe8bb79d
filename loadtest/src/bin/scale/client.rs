//! Connections and the requests that go over them. The client takes its CPU time from the server's
//! machine, so it does as little as it can.

use lclq_loadtest::request::Requests;
use lclq_loadtest::response::{Framed, frame, string_values};
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// Bytes of each message's body.
pub const BODY_BYTES: usize = 200;
/// Messages per batch and per receive.
pub const BATCH: usize = 10;

/// A connection on which requests may be sent ahead of their answers.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    /// What was taken of the buffer.
    taken: usize,
}

impl Connection {
    pub fn open(address: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        Ok(Self {
            stream,
            buffer: Vec::new(),
            taken: 0,
        })
    }

    pub fn send(&mut self, request: &[u8]) -> io::Result<()> {
        self.stream.write_all(request)
    }

    /// The next answer's body; an answer other than 200 is an error.
    pub fn receive(&mut self) -> io::Result<&[u8]> {
        self.buffer.drain(..self.taken);
        self.taken = 0;
        let Framed {
            status,
            body_start,
            end,
        } = loop {
            if let Some(framed) = frame(&self.buffer).map_err(io::Error::other)? {
                break framed;
            }
            let had = self.buffer.len();
            self.buffer.resize(had + 64 * 1024, 0);
            let got = self.stream.read(&mut self.buffer[had..])?;
            self.buffer.truncate(had + got);
            if got == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        };
        self.taken = end;
        let body = &self.buffer[body_start..end];
        if status != 200 {
            let text = String::from_utf8_lossy(body);
            return Err(io::Error::other(format!("status {status}: {text}")));
        }
        Ok(body)
    }

    pub fn call(&mut self, request: &[u8]) -> io::Result<&[u8]> {
        self.send(request)?;
        self.receive()
    }

    /// Calls, and answers how long it took.
    pub fn timed(&mut self, request: &[u8]) -> io::Result<(Duration, &[u8])> {
        let start = Instant::now();
        self.send(request)?;
        let body = self.receive()?;
        Ok((start.elapsed(), body))
    }
}

/// A queue, and how its messages are grouped.
#[derive(Clone, Debug)]
pub struct Queue {
    pub name: String,
    url: String,
    /// Groups of a FIFO queue; 0 for a standard queue.
    pub groups: usize,
    requests: Requests,
}

impl Queue {
    pub fn new(address: &str, name: &str, groups: usize) -> Self {
        let requests = Requests::new(address);
        Self {
            name: name.to_owned(),
            url: requests.queue_url(name),
            groups,
            requests,
        }
    }

    pub fn create(&self) -> Vec<u8> {
        if self.groups == 0 {
            return self.requests.create_queue(&self.name);
        }
        let attributes = r#"{"FifoQueue":"true"}"#;
        let body = format!(
            r#"{{"QueueName":"{}","Attributes":{attributes}}}"#,
            self.name
        );
        self.requests.action("CreateQueue", &body)
    }

    /// Sends message `number`, which no other may have been.
    pub fn send(&self, number: usize) -> Vec<u8> {
        if self.groups == 0 {
            return self.requests.send(&self.url, BODY_BYTES);
        }
        let fields = self.message(number);
        let body = format!(r#"{{"QueueUrl":"{}",{fields}}}"#, self.url);
        self.requests.action("SendMessage", &body)
    }

    /// Sends a batch of messages from number `first` on.
    pub fn send_batch(&self, first: usize) -> Vec<u8> {
        if self.groups == 0 {
            return self.requests.send_batch(&self.url, BODY_BYTES, BATCH);
        }
        let entries: Vec<String> = (0..BATCH)
            .map(|entry| format!(r#"{{"Id":"m{entry}",{}}}"#, self.message(first + entry)))
            .collect();
        let body = format!(
            r#"{{"QueueUrl":"{}","Entries":[{}]}}"#,
            self.url,
            entries.join(",")
        );
        self.requests.action("SendMessageBatch", &body)
    }

    fn message(&self, number: usize) -> String {
        let group = number % self.groups;
        let body = "b".repeat(BODY_BYTES);
        format!(
            r#""MessageBody":"{body}","MessageGroupId":"g{group}","MessageDeduplicationId":"{number}""#
        )
    }

    pub fn receive(&self) -> Vec<u8> {
        self.requests.receive(&self.url, BATCH)
    }

    pub fn long_poll(&self) -> Vec<u8> {
        let body = format!(r#"{{"QueueUrl":"{}","WaitTimeSeconds":20}}"#, self.url);
        self.requests.action("ReceiveMessage", &body)
    }

    pub fn delete(&self, handles: &[&str]) -> Vec<u8> {
        self.requests.delete(&self.url, handles)
    }

    /// The request that deletes what a receive's answer brought, and how many that are.
    pub fn delete_received(&self, answer: &[u8]) -> Option<(Vec<u8>, usize)> {
        let handles = string_values(answer, "ReceiptHandle");
        (!handles.is_empty()).then(|| (self.delete(&handles), handles.len()))
    }
}

/// Sends requests over some connections, several ahead on each, and waits for all answers.
pub fn pump(
    address: &str,
    count: usize,
    request: impl Fn(usize) -> Vec<u8> + Sync,
) -> io::Result<()> {
    const THREADS: usize = 2;
    const CONNECTIONS: usize = 4;
    const AHEAD: usize = 8;
    let run = |thread: usize| -> io::Result<()> {
        let mut connections = (0..CONNECTIONS)
            .map(|_| Connection::open(address))
            .collect::<io::Result<Vec<_>>>()?;
        let mut numbers = (thread..count).step_by(THREADS).peekable();
        let mut bytes = Vec::new();
        while numbers.peek().is_some() {
            // A window of requests in one write per connection, then their answers.
            let mut sent = [0; CONNECTIONS];
            for (connection, sent) in connections.iter_mut().zip(&mut sent) {
                bytes.clear();
                for number in numbers.by_ref().take(AHEAD) {
                    bytes.extend_from_slice(&request(number));
                    *sent += 1;
                }
                connection.send(&bytes)?;
            }
            for (connection, sent) in connections.iter_mut().zip(sent) {
                for _ in 0..sent {
                    let answer = connection.receive()?;
                    if memchr::memmem::find(answer, br#""Failed":[{"#).is_some() {
                        let text = String::from_utf8_lossy(answer);
                        return Err(io::Error::other(format!("a send failed: {text}")));
                    }
                }
            }
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| scope.spawn(move || run(thread)))
            .collect();
        for thread in threads {
            thread.join().expect("a client thread panicked")?;
        }
        Ok(())
    })
}

/// Puts messages into a queue, from number `first` on.
pub fn fill(address: &str, queue: &Queue, first: usize, messages: usize) -> io::Result<()> {
    pump(address, messages.div_ceil(BATCH), |batch| {
        queue.send_batch(first + batch * BATCH)
    })
}

/// Takes messages out by receive(10) and delete-batch(10) until `messages` are gone or the time is
/// up; answers how many are.
pub fn drain(
    address: &str,
    queue: &Queue,
    connections: usize,
    messages: usize,
    time: Duration,
) -> io::Result<usize> {
    const THREADS: usize = 2;
    let until = Instant::now() + time;
    let threads = THREADS.min(connections);
    let gone = std::sync::atomic::AtomicUsize::new(0);
    let run = || -> io::Result<()> {
        use std::sync::atomic::Ordering;
        let mut connections = (0..connections / threads)
            .map(|_| Connection::open(address))
            .collect::<io::Result<Vec<_>>>()?;
        let receive = queue.receive();
        while gone.load(Ordering::Relaxed) < messages && Instant::now() < until {
            for connection in &mut connections {
                connection.send(&receive)?;
            }
            let mut deleting = 0;
            let mut waiting = Vec::with_capacity(connections.len());
            for connection in &mut connections {
                let delete = queue.delete_received(connection.receive()?);
                if let Some((request, count)) = &delete {
                    deleting += count;
                    connection.send(request)?;
                }
                waiting.push(delete.is_some());
            }
            for (connection, waiting) in connections.iter_mut().zip(waiting) {
                if waiting {
                    connection.receive()?;
                }
            }
            gone.fetch_add(deleting, Ordering::Relaxed);
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..threads).map(|_| scope.spawn(run)).collect();
        for thread in all {
            thread.join().expect("a client thread panicked")?;
        }
        Ok::<(), io::Error>(())
    })?;
    Ok(gone.into_inner())
}
