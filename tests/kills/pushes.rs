//! A subscription that pushes to an endpoint here, in the order of its keys. The endpoint mostly
//! acknowledges, and outlives the server.

use super::scene::{Died, Scene, alive, number_in, rest, text_of};
use crate::support::{Client, Server};
use rand::Rng;
use rand::rngs::SmallRng;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, SystemTime};

const KEYS: u32 = 4;
/// Publishing pauses when so many wait to be pushed.
const LIVE_MAX: usize = 200;
/// How long nothing may be pushed while something has to be.
const STALL: Duration = Duration::from_secs(20);
/// The endpoint refuses each message that this divides, when it first sees it.
const REFUSED_EVERY: u32 = 40;
const SUBSCRIPTION: &str = "/v1/projects/p/subscriptions/pushed";

#[derive(Default)]
struct Message {
    /// Whether it is there for sure.
    certain: bool,
    refused: bool,
    /// The run of the server in which the endpoint said yes.
    answered: Option<u32>,
    /// Sought past, in this run.
    gone: Option<u32>,
}

#[derive(Default)]
struct State {
    run: u32,
    /// By number; the ordering key is the number's remainder.
    messages: BTreeMap<u32, Message>,
    connections: usize,
    pushed: u64,
    pushed_again: u64,
    refused: u64,
}

impl State {
    /// Whether the endpoint takes a message.
    fn push(&mut self, number: u32) -> bool {
        let run = self.run;
        for (earlier, message) in self.messages.range(..number) {
            let same_key = earlier % KEYS == number % KEYS;
            let due = message.certain && message.answered.is_none() && message.gone.is_none();
            assert!(!(same_key && due), "{number} overtook {earlier}");
        }
        let message = self
            .messages
            .get_mut(&number)
            .expect("one that was published");
        assert!(
            message.gone.is_none_or(|gone| gone == run),
            "{number} came back"
        );
        assert_ne!(
            message.answered,
            Some(run),
            "{number} came again in the same run"
        );
        message.certain = true;
        self.pushed += 1;
        self.pushed_again += u64::from(message.answered.is_some());
        if number.is_multiple_of(REFUSED_EVERY) && !std::mem::replace(&mut message.refused, true) {
            self.refused += 1;
            return false;
        }
        message.answered = Some(run);
        true
    }

    fn due(&self) -> usize {
        let due = |message: &&Message| {
            message.certain && message.answered.is_none() && message.gone.is_none()
        };
        self.messages.values().filter(due).count()
    }
}

struct Endpoint {
    state: Mutex<State>,
    changed: Condvar,
}

impl Endpoint {
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let result = change(&mut self.state.lock().expect("no check failed in it"));
        self.changed.notify_all();
        result
    }

    /// Waits until a state is reached, as long as there is progress; answers whether it was.
    fn wait_for(&self, reached: impl Fn(&State) -> bool) -> bool {
        let mut state = self.state.lock().expect("no check failed in it");
        while !reached(&state) {
            let (again, waited) = self.changed.wait_timeout(state, STALL).expect("as above");
            state = again;
            if waited.timed_out() {
                return false;
            }
        }
        true
    }

    /// Answers one connection's requests until it ends.
    fn serve(&self, stream: TcpStream) {
        let mut stream = BufReader::new(stream);
        while let Some(body) = read_request(&mut stream) {
            let request: Value = serde_json::from_slice(&body).expect("JSON");
            let message = &request["message"];
            let data = message["data"].as_str().expect("data");
            let data = base64_simd::STANDARD.decode_to_vec(data).expect("base64");
            let number = number_in(std::str::from_utf8(&data).expect("text"));
            assert_eq!(message["orderingKey"], json!(key_of(number)), "{request}");
            let answer: &[u8] = if self.change(|state| state.push(number)) {
                b"HTTP/1.1 204 No Content\r\n\r\n"
            } else {
                b"HTTP/1.1 500 Not now\r\nContent-Length: 0\r\n\r\n"
            };
            if stream.get_mut().write_all(answer).is_err() {
                return;
            }
        }
    }
}

/// The body of the next request, if there is one.
fn read_request(stream: &mut BufReader<TcpStream>) -> Option<Vec<u8>> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line.trim_end().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().expect("a length");
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some(body)
}

/// Counts a connection down however its thread ends.
struct Connection(Arc<Endpoint>);

impl Drop for Connection {
    fn drop(&mut self) {
        // A failed check in this thread has poisoned the state, which fails the test elsewhere.
        if let Ok(mut state) = self.0.state.lock() {
            state.connections -= 1;
        }
        self.0.changed.notify_all();
    }
}

fn key_of(number: u32) -> String {
    format!("key-{}", number % KEYS)
}

pub struct Pushes {
    topic: String,
    url: String,
    endpoint: Arc<Endpoint>,
    next: u32,
}

impl Pushes {
    pub fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/", listener.local_addr().expect("its address"));
        let endpoint = Arc::new(Endpoint {
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        let shared = endpoint.clone();
        // Ends with the test.
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                shared.change(|state| state.connections += 1);
                let connection = Connection(shared.clone());
                std::thread::spawn(move || connection.0.serve(stream));
            }
        });
        Self {
            topic: "projects/p/topics/pushed".to_owned(),
            url,
            endpoint,
            next: 0,
        }
    }
}

impl Scene for Pushes {
    fn set_up(&mut self, server: &Server) {
        let mut client = self.client(server);
        let topic = format!("/v1/{}", self.topic);
        alive(rest(&mut client, "PUT", &topic, &json!({})));
        let body = json!({
            "topic": self.topic,
            "ackDeadlineSeconds": 600,
            "enableMessageOrdering": true,
            "pushConfig": { "pushEndpoint": self.url },
        });
        alive(rest(&mut client, "PUT", SUBSCRIPTION, &body));
    }

    fn client(&self, server: &Server) -> Client {
        server.pubsub_client()
    }

    fn restarted(&mut self, _server: &Server) {}

    fn ended(&mut self) {
        // What it sent before it died belongs to its run.
        let ended = self.endpoint.wait_for(|state| state.connections == 0);
        assert!(ended, "connections outlive the server");
        self.endpoint.change(|state| state.run += 1);
    }

    fn step(&mut self, client: &mut Client, rng: &mut SmallRng) -> Result<(), Died> {
        if self.endpoint.change(|state| state.due()) > LIVE_MAX {
            std::thread::sleep(Duration::from_millis(5));
            return Ok(());
        }
        let numbers = self.next..self.next + rng.random_range(1..=5);
        self.next = numbers.end;
        let fresh = |number| (number, Message::default());
        self.endpoint
            .change(|state| state.messages.extend(numbers.clone().map(fresh)));
        let wire = |number| {
            let data = base64_simd::STANDARD.encode_to_string(text_of(number));
            json!({ "data": data, "orderingKey": key_of(number) })
        };
        let messages: Vec<Value> = numbers.clone().map(wire).collect();
        let path = format!("/v1/{}:publish", self.topic);
        rest(client, "POST", &path, &json!({ "messages": messages }))?;
        self.endpoint.change(|state| {
            for number in numbers {
                state
                    .messages
                    .get_mut(&number)
                    .expect("noted before")
                    .certain = true;
            }
        });
        Ok(())
    }

    fn drain(&mut self, server: &Server) {
        if !self.endpoint.wait_for(|state| state.due() == 0) {
            let due = self.endpoint.change(|state| state.due());
            panic!("{due} messages are not pushed");
        }
        // What the endpoint took is perhaps not acknowledged yet. A seek acknowledges all of it.
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .expect("after 1970");
        let time = super::seeks::rfc3339(now + Duration::from_millis(1));
        let mut client = self.client(server);
        let path = format!("{SUBSCRIPTION}:seek");
        alive(rest(&mut client, "POST", &path, &json!({ "time": time })));
        self.endpoint.change(|state| {
            let run = state.run;
            for message in state.messages.values_mut() {
                message.gone.get_or_insert(run);
            }
        });
    }

    fn summary(&self) -> (String, bool) {
        self.endpoint.change(|state| {
            let State {
                pushed,
                pushed_again,
                refused,
                ..
            } = state;
            let text = format!(
                "pushes: {} published, {pushed} pushed, {pushed_again} of them to be sure after a \
                 restart, {refused} refused at first",
                self.next
            );
            (text, *pushed > 0 && *refused > 0)
        })
    }
}
