//! A Redis or Valkey server of the test's own, on loopback, in a directory that goes with it.

#![allow(dead_code, reason = "each test uses a part")]

use ::redis::{Cmd, Connection, Value};
use lclq_stores::{RedisSettings, StoreNode, Surroundings};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// What a start may take on a busy machine.
const START_WAIT: Duration = Duration::from_secs(60);
/// Between two looks at whether it answers.
const START_PAUSE: Duration = Duration::from_millis(10);
/// Starts the server, and ends it by its number once its own input ends: with the test, however that
/// ends.
const KEEPER: &str = r#"
"$@" </dev/null &
server=$!
read -r how
kill "-${how:-KILL}" "$server"
wait "$server"
"#;

/// Which program it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Redis,
    Valkey,
}

impl Kind {
    /// One that is named by `LCLQ_REDIS` or `LCLQ_VALKEY`, or is in the path.
    fn program(self) -> PathBuf {
        let (variable, name) = match self {
            Self::Redis => ("LCLQ_REDIS", "redis-server"),
            Self::Valkey => ("LCLQ_VALKEY", "valkey-server"),
        };
        let named = std::env::var_os(variable).map(PathBuf::from);
        let path = std::env::var_os("PATH").unwrap_or_default();
        let in_path = std::env::split_paths(&path).map(|directory| directory.join(name));
        let mut candidates = named.into_iter().chain(in_path);
        let found = candidates.find(|program| program.is_file());
        found.unwrap_or_else(|| panic!("no {name}: install it, or name the program by {variable}"))
    }
}

/// A server that runs, or may be made to.
pub struct Server {
    directory: TempDir,
    program: PathBuf,
    port: u16,
    options: Vec<String>,
    keeper: Mutex<Option<Child>>,
    prefixes: AtomicU32,
}

impl Server {
    /// A new server that forces each write to disk, with these settings on top, as `name value`.
    pub fn start(kind: Kind, options: &[&str]) -> Self {
        let server = Self {
            directory: TempDir::new().unwrap(),
            program: kind.program(),
            port: free_port(),
            options: options.iter().map(|option| (*option).to_owned()).collect(),
            keeper: Mutex::default(),
            prefixes: AtomicU32::new(0),
        };
        server.go_on();
        server
    }

    /// The server that tests of one program share while one of them has it.
    pub fn shared(kind: Kind) -> Arc<Self> {
        static SHARED: Mutex<[Weak<Server>; 2]> = Mutex::new([Weak::new(), Weak::new()]);
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        let shared = &mut shared[usize::from(kind == Kind::Valkey)];
        if let Some(server) = shared.upgrade() {
            return server;
        }
        let server = Arc::new(Self::start(kind, &[]));
        *shared = Arc::downgrade(&server);
        server
    }

    /// Starts it where it was stopped.
    pub fn go_on(&self) {
        let file = self.directory.path().join("settings");
        let mut lines = vec![
            format!("port {}", self.port),
            "bind 127.0.0.1".to_owned(),
            "save \"\"".to_owned(),
            "appendonly yes".to_owned(),
            "appendfsync always".to_owned(),
            format!("dir {}", self.directory.path().display()),
        ];
        lines.extend(self.options.iter().cloned());
        std::fs::write(&file, lines.join("\n")).unwrap();
        let log = self.directory.path().join("log");
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(log)
            .unwrap();
        let mut keeper = Command::new("/bin/sh");
        keeper.args(["-c", KEEPER, "keeper"]).arg(&self.program);
        keeper.arg(&file).current_dir(self.directory.path());
        keeper.stdin(Stdio::piped()).stderr(Stdio::null());
        keeper.stdout(log);
        *self.keeper.lock().unwrap() = Some(keeper.spawn().unwrap());
        let until = Instant::now() + START_WAIT;
        while !self.answers() {
            assert!(Instant::now() < until, "{}", self.log());
            std::thread::sleep(START_PAUSE);
        }
    }

    /// Whether it has its data in memory by now, whoever may ask it.
    fn answers(&self) -> bool {
        let Ok(mut connection) = connect(&self.url()) else {
            // It says no, which is an answer, too; or it isn't there.
            return self.log().contains("Ready to accept connections")
                && std::net::TcpStream::connect(("127.0.0.1", self.port)).is_ok();
        };
        let mut ping = Cmd::new();
        ping.arg("PING");
        ping.query::<Value>(&mut connection).is_ok()
    }

    /// As by a crash of the process.
    pub fn kill(&self) {
        if let Some(mut keeper) = self.keeper.lock().unwrap().take() {
            drop(keeper.stdin.take());
            keeper.wait().unwrap();
        }
    }

    /// What it has written about itself.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// What keys of no other test begin with.
    pub fn prefix(&self) -> String {
        let number = self.prefixes.fetch_add(1, Ordering::Relaxed);
        format!("test-{number}")
    }

    pub fn settings(&self, prefix: &str, shards: u16) -> RedisSettings {
        let url = format!("{}?prefix={prefix}", self.url());
        RedisSettings::new(&url, Some(shards)).unwrap()
    }

    pub fn node(&self, prefix: &str, shards: u16) -> StoreNode {
        StoreNode::start(self.settings(prefix, shards), Surroundings::default()).unwrap()
    }

    /// Adds settings, for when it starts again.
    pub fn set(&mut self, options: &[&str]) {
        let options = options.iter().map(|option| (*option).to_owned());
        self.options.extend(options);
    }

    /// Waits until a command's answer has these words.
    pub fn wait_for(&self, command: &[&str], words: &str) {
        let until = Instant::now() + START_WAIT;
        loop {
            let said = format!("{:?}", self.by_hand(command));
            if said.contains(words) {
                return;
            }
            assert!(Instant::now() < until, "{command:?}: {said}");
            std::thread::sleep(START_PAUSE);
        }
    }

    /// Ends the connection that has been there for longest; answers how many that were.
    pub fn kill_a_connection(&self) -> i64 {
        let Value::BulkString(list) = self.by_hand(&["CLIENT", "LIST", "TYPE", "normal"]) else {
            panic!("no list of clients");
        };
        let list = String::from_utf8(list).unwrap();
        // The connection that asks was there last.
        let mut lines: Vec<&str> = list.lines().collect();
        lines.pop();
        let first = lines.first().and_then(|line| line.split(' ').next());
        let Some(number) = first.and_then(|word| word.strip_prefix("id=")) else {
            return 0;
        };
        match self.by_hand(&["CLIENT", "KILL", "ID", number]) {
            Value::Int(killed) => killed,
            other => panic!("{other:?}"),
        }
    }

    /// Does a command by hand.
    #[track_caller]
    pub fn by_hand(&self, words: &[&str]) -> Value {
        let mut command = Cmd::new();
        for word in words {
            command.arg(word);
        }
        let mut connection = connect(&self.url()).unwrap();
        command.query(&mut connection).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

fn connect(url: &str) -> ::redis::RedisResult<Connection> {
    ::redis::Client::open(url)?.get_connection()
}

pub fn free_port() -> u16 {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    socket.local_addr().unwrap().port()
}
