//! Watches a server while something is done to it: the time, the memory of its processes, and how
//! soon clients with nothing to do with it are answered.

use super::support::{Client, Launch, Server, status_bytes};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How soon a well-behaved client is answered whatever others send, on a machine that is otherwise
/// idle.
const ANSWERED_WITHIN: Duration = Duration::from_millis(100);

/// Well-behaved connections per dialect: more than cores, so that every core has some.
const BYSTANDERS: usize = 4;

/// Pause of a well-behaved client between two requests.
const PAUSE: Duration = Duration::from_millis(5);

/// Pause between two looks at the memory.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Work between two looks, to see how long the machine takes for it: more than a turn's, because
/// whoever needs less is served at once however busy the machine is.
const PROBE: Duration = Duration::from_millis(10);

/// What an ordeal may cost.
pub struct Bounds {
    /// All of it, from beginning to end. A debug build has fifty times as long.
    pub within: Duration,
    /// Bytes by which the memory of the server and its children may grow.
    pub growth_bytes_max: u64,
}

/// A server of two cores, in memory.
pub fn server() -> Server {
    Launch::new().flag("--cores", "2").start()
}

/// A bound that a debug build may miss by some, and a release build not: parsing ten megabytes takes
/// it fifty times as long.
pub fn soon(time: Duration) -> Duration {
    if cfg!(debug_assertions) && std::env::var_os("LCLQ_BIN").is_none() {
        time * 50
    } else {
        time
    }
}

/// Carries out `attack` and sees that it keeps within `bounds`, that others are answered in time
/// meanwhile, and that the server works afterwards.
pub fn endure<T>(server: &Server, bounds: &Bounds, attack: impl FnOnce() -> T) -> T {
    // One at a time: others' work would count as noise.
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let over = AtomicBool::new(false);
    let bystanders: Vec<_> = (0..2 * BYSTANDERS)
        .map(|number| Bystander::new(server, number))
        .collect();
    let before = memory(server.pid());
    let (outcome, time, delay, seen) = std::thread::scope(|scope| {
        let bystanders: Vec<_> = bystanders
            .into_iter()
            .map(|bystander| {
                let over = &over;
                scope.spawn(move || bystander.go_on_until(over))
            })
            .collect();
        let watch = scope.spawn(|| watch(server.pid(), &over));
        let started = Instant::now();
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(attack));
        let time = started.elapsed();
        over.store(true, Ordering::SeqCst);
        let seen = watch.join().expect("the watch ends");
        let delay = bystanders
            .into_iter()
            .map(|bystander| bystander.join().expect("every bystander is answered"))
            .max()
            .unwrap_or_default();
        match outcome {
            Ok(outcome) => (outcome, time, delay, seen),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    });
    let growth = seen.peak.saturating_sub(before);
    let Seen { noise, stretch, .. } = seen;
    println!(
        "{time:?}, {growth} bytes more, others answered in {delay:?}; noise {noise:?}, the machine \
         {stretch:.1} times as slow as alone"
    );
    assert!(
        time <= soon(bounds.within).mul_f64(stretch),
        "it took {time:?}"
    );
    assert!(
        growth <= bounds.growth_bytes_max,
        "the memory grew by {growth} bytes"
    );
    // What keeps a thread of ours from running keeps the server too.
    let allowed = soon(ANSWERED_WITHIN).mul_f64(stretch) + 4 * noise;
    assert!(delay <= allowed, "others waited for {delay:?}");
    server.client().ok("ListQueues", &json!({}));
    outcome
}

/// What was seen during an ordeal.
struct Seen {
    /// Most memory of the server and its children, bytes.
    peak: u64,
    /// The latest that a sleeping thread woke.
    noise: Duration,
    /// How much longer a thread took for work than it ran for; one on an idle machine.
    stretch: f64,
}

/// Looks at the memory and at how busy the machine is, until it is over.
fn watch(pid: u32, over: &AtomicBool) -> Seen {
    let (mut peak, mut noise) = (0, Duration::ZERO);
    let (mut ran, mut took) = (Duration::ZERO, Duration::ZERO);
    while !over.load(Ordering::SeqCst) {
        peak = peak.max(memory(pid));
        let asleep = Instant::now();
        std::thread::sleep(LOOK_EVERY);
        noise = noise.max(asleep.elapsed().saturating_sub(LOOK_EVERY));
        let (began, running) = (Instant::now(), own_running_time());
        let ended = loop {
            let now = own_running_time();
            if now >= running + PROBE {
                break now;
            }
        };
        ran += ended - running;
        took += began.elapsed();
    }
    let high_water = status_bytes(pid, "VmHWM:").unwrap_or(0);
    Seen {
        peak: peak.max(high_water).max(memory(pid)),
        noise,
        stretch: (took.as_secs_f64() / ran.as_secs_f64()).max(1.0),
    }
}

/// Time for which the calling thread has run.
fn own_running_time() -> Duration {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the clock exists on every Linux, and the kernel writes one timespec.
    let read = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    assert_eq!(read, 0);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Resident memory of a process and its children, bytes.
pub fn memory(pid: u32) -> u64 {
    let own = status_bytes(pid, "VmRSS:").unwrap_or(0);
    own + children(pid).into_iter().map(memory).sum::<u64>()
}

/// The processes that any thread of a process has started and that are there yet.
pub fn children(pid: u32) -> Vec<u32> {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{pid}/task")) else {
        return Vec::new();
    };
    let of = |thread: std::fs::DirEntry| std::fs::read_to_string(thread.path().join("children"));
    threads
        .flatten()
        .filter_map(|thread| of(thread).ok())
        .flat_map(|ids| {
            let ids = ids.split_whitespace().map(str::parse);
            ids.filter_map(Result::ok).collect::<Vec<u32>>()
        })
        .collect()
}

/// Time for which a process and its children have run.
pub fn running_time(pid: u32) -> Duration {
    // Nanoseconds on a processor, by thread.
    let of = |task: std::fs::DirEntry| std::fs::read_to_string(task.path().join("schedstat")).ok();
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task"));
    let own = tasks.into_iter().flatten().flatten().filter_map(of);
    let first = |text: String| text.split(' ').next()?.parse::<u64>().ok();
    let own = Duration::from_nanos(own.filter_map(first).sum());
    own + children(pid)
        .into_iter()
        .map(running_time)
        .sum::<Duration>()
}

/// A client that minds its own business.
struct Bystander {
    client: Client,
    number: usize,
    sqs: bool,
}

impl Bystander {
    fn new(server: &Server, number: usize) -> Self {
        let sqs = number.is_multiple_of(2);
        let mut client = if sqs {
            server.client()
        } else {
            server.pubsub_client()
        };
        if sqs {
            let queue = format!("bystander-{number}");
            client.ok("CreateQueue", &json!({ "QueueName": queue }));
        } else {
            let topic = format!("/v1/projects/bystander/topics/topic-{number}");
            // It is there already if this isn't the server's first ordeal.
            let made = client.rest("PUT", &topic, &json!({})).expect("an answer");
            assert!(matches!(made.status, 200 | 409), "{}", made.status);
        }
        Self {
            client,
            number,
            sqs,
        }
    }

    /// Answers the longest time that one of its requests took.
    fn go_on_until(mut self, over: &AtomicBool) -> Duration {
        let mut longest = Duration::ZERO;
        loop {
            let last = over.load(Ordering::SeqCst);
            let asked = Instant::now();
            self.ask();
            longest = longest.max(asked.elapsed());
            if last {
                return longest;
            }
            std::thread::sleep(PAUSE);
        }
    }

    fn ask(&mut self) {
        if self.sqs {
            let url = format!("http://localhost/000000000000/bystander-{}", self.number);
            let request = json!({ "QueueUrl": url, "MessageBody": "x" });
            self.client.ok("SendMessage", &request);
        } else {
            let path = format!(
                "/v1/projects/bystander/topics/topic-{}:publish",
                self.number
            );
            let request = json!({ "messages": [{ "data": "eA==" }] });
            rest_ok(&mut self.client, "POST", &path, &request);
        }
    }
}

/// Calls a REST method that must succeed.
#[track_caller]
pub fn rest_ok(client: &mut Client, method: &str, path: &str, body: &Value) -> Value {
    client.rest(method, path, body).expect("an answer").ok()
}
