//! The queues to load, and the requests for each.

use std::cell::{RefCell, RefMut};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::rc::Rc;
use std::time::Duration;

use lclq_loadtest::request::{Requests, Stamps};
use lclq_loadtest::response::{frame, string_values};
use lclq_shards::QueueName;

use crate::drive::Result;
use crate::options::{Action, Options, Placement, Protocol};

/// Messages of one request when a queue is filled.
const FILL_BATCH: u64 = 10;
/// Requests that are under way when a queue is filled.
const FILL_PIPELINE: u64 = 16;
/// Names that are tried until one belongs to the wanted shard.
const NAMES_MAX: usize = 1000;

/// A request that is the same each time but for its ids.
pub struct Template {
    request: RefCell<Vec<u8>>,
    stamps: Stamps,
}

impl Template {
    fn new(request: Vec<u8>) -> Self {
        Template {
            stamps: Stamps::find(&request),
            request: RefCell::new(request),
        }
    }

    /// The request with ids that follow `count`.
    pub fn stamped(&self, count: &mut u64) -> RefMut<'_, Vec<u8>> {
        let mut request = self.request.borrow_mut();
        self.stamps.write(&mut request, count);
        request
    }
}

/// One queue.
pub struct Target {
    pub url: String,
    pub send: Template,
    pub send_batch: Template,
    pub receive: Vec<u8>,
}

fn names(options: &Options) -> Vec<String> {
    let suffix = if options.fifo { ".fifo" } else { "" };
    let name = |number: usize| format!("load-{number}{suffix}");
    let Some(placement) = options.placement else {
        return (0..options.queues.max(1)).map(name).collect();
    };
    let on_shard = |shard: u16| {
        (0..NAMES_MAX)
            .map(name)
            .find(|name| QueueName::new("us-east-1", "000000000000", name).shard(2) == shard)
            .expect("names spread over the shards")
    };
    // A first connection was on core 0 and the client that makes the queues is on core 1, so those
    // of the load begin with core 0 again.
    match placement {
        Placement::Aligned => vec![on_shard(0), on_shard(1)],
        Placement::Crossed => vec![on_shard(1), on_shard(0)],
    }
}

/// Makes the queues and their requests, over a connection of their own.
pub fn create_queues(
    options: &Options,
    client: &mut Client,
    requests: &Requests,
) -> Result<Vec<Rc<Target>>> {
    let mut targets = Vec::new();
    for queue in names(options) {
        let body = client.ask(&requests.create_queue(&queue))?;
        // The no-op server has no QueueUrl to tell.
        let url = string_values(&body, "QueueUrl")
            .first()
            .map_or_else(|| requests.queue_url(&queue), |url| (*url).to_owned());
        let received = if options.action == Action::Cycle {
            1
        } else {
            options.batch
        };
        let (bytes, batch) = (options.body_bytes, options.batch);
        let (send, send_batch) = match (options.fifo, options.protocol) {
            (true, _) => (
                requests.send_fifo(&url, bytes),
                requests.send_batch_fifo(&url, bytes, batch),
            ),
            (false, Protocol::Json) => (
                requests.send(&url, bytes),
                requests.send_batch(&url, bytes, batch),
            ),
            (false, Protocol::Query) => (
                requests.send_query(&url, bytes),
                requests.send_batch_query(&url, bytes, batch),
            ),
        };
        targets.push(Rc::new(Target {
            send: Template::new(send),
            send_batch: Template::new(send_batch),
            receive: requests.receive(&url, received),
            url,
        }));
    }
    Ok(targets)
}

/// Sends `messages` to the queues, a part to each.
pub fn fill(
    addr: SocketAddr,
    targets: &[Rc<Target>],
    messages: u64,
    stamped: &mut u64,
) -> Result<()> {
    let mut client = Client::connect(addr)?;
    let requests = messages / FILL_BATCH;
    if requests * FILL_BATCH != messages {
        return Err("a backlog is a multiple of 10".into());
    }
    let mut under_way = 0;
    for request in 0..requests {
        let target = &targets[(request % targets.len() as u64) as usize];
        client.send(&target.send_batch.stamped(stamped))?;
        under_way += 1;
        if under_way == FILL_PIPELINE {
            client.answer()?;
            under_way -= 1;
        }
    }
    for _ in 0..under_way {
        client.answer()?;
    }
    Ok(())
}

/// One blocking connection.
pub struct Client {
    stream: TcpStream,
    input: Vec<u8>,
}

impl Client {
    /// Opens it.
    pub fn connect(addr: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(addr)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        Ok(Client {
            stream,
            input: Vec::new(),
        })
    }

    fn send(&mut self, request: &[u8]) -> Result<()> {
        Ok(self.stream.write_all(request)?)
    }

    /// The next answer's body.
    fn answer(&mut self) -> Result<Vec<u8>> {
        let framed = loop {
            if let Some(framed) = frame(&self.input)? {
                break framed;
            }
            let mut chunk = [0; 16 * 1024];
            let read = self.stream.read(&mut chunk)?;
            if read == 0 {
                return Err("the server closed the connection".into());
            }
            self.input.extend_from_slice(&chunk[..read]);
        };
        let body = self.input[framed.body_start..framed.end].to_vec();
        self.input.drain(..framed.end);
        if framed.status != 200 {
            return Err(String::from_utf8_lossy(&body).into());
        }
        Ok(body)
    }

    fn ask(&mut self, request: &[u8]) -> Result<Vec<u8>> {
        self.send(request)?;
        self.answer()
    }
}
