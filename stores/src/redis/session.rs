//! A connection that is ready for a shard's scripts.

use super::limits::{ANSWER_WAIT, CONNECT_WAIT, REDIRECTS_MAX, REQUESTS_WAITING_MAX};
use super::risks;
use super::scripts::{self, Loaded};
use super::settings::{Keys, RedisSettings};
use crate::Risk;
use crate::remote::{KEEPALIVE_IDLE, KEEPALIVE_INTERVAL, KEEPALIVE_RETRIES, UNACKNOWLEDGED_WAIT};
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Cmd, ErrorKind, RedisError, ServerErrorKind, Value};
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// A connection's own task. It ends with this.
pub(super) struct Link {
    task: JoinHandle<()>,
}

impl crate::remote::Link for Link {
    async fn ended(&mut self) -> Box<str> {
        let _ = (&mut self.task).await;
        "the connection was closed".into()
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A connection with nothing prepared.
#[derive(Clone)]
pub(super) struct Client(MultiplexedConnection);

impl Client {
    /// Sends a command and waits for its answer. What is begun in order arrives in order.
    pub async fn ask(&self, command: &Cmd) -> Result<Value, Trouble> {
        self.ask_for(ANSWER_WAIT, command).await
    }

    /// Sends commands at once; each is answered by itself.
    pub async fn ask_all(&self, commands: &redis::Pipeline, count: usize) -> Answers {
        let mut connection = self.0.clone();
        let asking = connection.send_packed_commands(commands, 0, count);
        let answers = timeout(ANSWER_WAIT, asking).await;
        let answers = answers.map_err(|_| Trouble::Late)??;
        Ok(answers.into_iter().map(Value::extract_error).collect())
    }

    /// Like [`Client::ask`], for the time that making a connection ready may take.
    pub async fn ask_soon(&self, command: &Cmd) -> Result<Value, Trouble> {
        self.ask_for(CONNECT_WAIT, command).await
    }

    /// Like [`Client::ask_soon`]; nothing where this user may not ask, or there is no such command.
    pub async fn ask_if_allowed(&self, command: &Cmd) -> Result<Option<Value>, Trouble> {
        match self.ask_soon(command).await {
            Ok(value) => Ok(Some(value)),
            Err(Trouble::Redis(error)) if is_refusal(error.kind()) => Ok(None),
            Err(trouble) => Err(trouble),
        }
    }

    async fn ask_for(&self, wait: Duration, command: &Cmd) -> Result<Value, Trouble> {
        let mut connection = self.0.clone();
        let answer = timeout(wait, connection.send_packed_command(command)).await;
        Ok(answer.map_err(|_| Trouble::Late)??.extract_error()?)
    }
}

fn is_refusal(kind: ErrorKind) -> bool {
    let refusals = [ServerErrorKind::NoPerm, ServerErrorKind::ResponseError];
    kind == ErrorKind::Extension || refusals.iter().any(|of| kind == ErrorKind::Server(*of))
}

/// Answers to commands that were sent at once.
type Answers = Result<Vec<Result<Value, RedisError>>, Trouble>;

/// Why there is no connection, or no answer.
pub(super) enum Trouble {
    Redis(RedisError),
    Io(io::Error),
    Late,
    /// The store holds what this program can't have written.
    Foreign(String),
}

impl From<RedisError> for Trouble {
    fn from(error: RedisError) -> Self {
        Self::Redis(error)
    }
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl Trouble {
    /// Where a cluster has what was asked for, unless it is here.
    fn elsewhere(&self) -> Option<String> {
        match self {
            Self::Redis(error) => Some(error.redirect_node()?.0.to_owned()),
            _ => None,
        }
    }

    pub fn words(&self) -> Box<str> {
        match self {
            // Its words quote no arguments; a script's may quote where in the script.
            Self::Redis(error) => error.to_string().into(),
            Self::Io(error) => error.to_string().into(),
            Self::Late => "Redis took too long".into(),
            Self::Foreign(what) => what.as_str().into(),
        }
    }
}

/// What a shard asks with.
pub(super) struct Session {
    pub client: Client,
    pub keys: Keys,
    pub scripts: Loaded,
    /// Replicas that must have a record before it counts.
    pub replicas: u8,
    is_spent: AtomicBool,
}

impl Session {
    /// What it answers from now on is not to be relied on.
    pub fn spend(&self) {
        self.is_spent.store(true, Ordering::Relaxed);
    }

    pub fn is_spent(&self) -> bool {
        self.is_spent.load(Ordering::Relaxed)
    }
}

/// Connects to the server that has a key.
pub(super) async fn connect(
    settings: &RedisSettings,
    tls: &Arc<ClientConfig>,
    key: &str,
) -> Result<(Client, Link), Trouble> {
    let (host, port) = settings.host();
    let (mut host, mut port) = (host.to_owned(), port);
    let mut probe = Cmd::new();
    probe.arg("EXISTS").arg(key);
    for _ in 0..REDIRECTS_MAX {
        let connecting = connect_to(settings, tls, &host, port);
        let connected = timeout(CONNECT_WAIT, connecting).await;
        let (client, link) = connected.map_err(|_| Trouble::Late)??;
        match client.ask_soon(&probe).await {
            Ok(_) => return Ok((client, link)),
            Err(trouble) => match trouble.elsewhere() {
                Some(place) => (host, port) = split(&place, host).ok_or(trouble)?,
                None => return Err(trouble),
            },
        }
    }
    Err(Trouble::Foreign(
        "the servers of the cluster send from one to another".to_owned(),
    ))
}

/// A place as a cluster names it. Without a host it is the one that was asked.
fn split(place: &str, asked: String) -> Option<(String, u16)> {
    let (host, port) = place.rsplit_once(':')?;
    let host = if host.is_empty() {
        asked
    } else {
        host.to_owned()
    };
    Some((host, port.parse().ok()?))
}

async fn connect_to(
    settings: &RedisSettings,
    tls: &Arc<ClientConfig>,
    host: &str,
    port: u16,
) -> Result<(Client, Link), Trouble> {
    let stream = TcpStream::connect((host, port)).await?;
    set_options(&stream)?;
    if !settings.is_secret() {
        return begin(settings, stream).await;
    }
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    let connector = TlsConnector::from(tls.clone());
    begin(settings, connector.connect(name, stream).await?).await
}

fn set_options(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = socket2::SockRef::from(stream);
    let alive = socket2::TcpKeepalive::new()
        .with_time(KEEPALIVE_IDLE)
        .with_interval(KEEPALIVE_INTERVAL);
    #[cfg(unix)]
    let alive = alive.with_retries(KEEPALIVE_RETRIES);
    socket.set_tcp_keepalive(&alive)?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED_WAIT))?;
    Ok(())
}

async fn begin<S>(settings: &RedisSettings, stream: S) -> Result<(Client, Link), Trouble>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let config = AsyncConnectionConfig::new()
        .set_response_timeout(None)
        .set_pipeline_buffer_size(REQUESTS_WAITING_MAX);
    let (connection, driver) =
        MultiplexedConnection::new_with_config(settings.connection(), stream, config).await?;
    let task = tokio::spawn(driver);
    Ok((Client(connection), Link { task }))
}

/// Connects for one shard and loads its scripts; says what is risky about the server, too.
pub(super) async fn open(
    settings: &RedisSettings,
    tls: &Arc<ClientConfig>,
    shard: u16,
) -> Result<(Arc<Session>, Link, Vec<Risk>), Trouble> {
    let keys = settings.keys(shard);
    let (client, link) = connect(settings, tls, &keys.head).await?;
    let scripts = Loaded {
        append: load(&client, scripts::APPEND).await?,
        tail: load(&client, scripts::TAIL).await?,
        read: load(&client, scripts::READ).await?,
        trim: load(&client, scripts::TRIM).await?,
    };
    let risks = risks::find(&client).await?;
    let session = Session {
        client,
        keys,
        scripts,
        replicas: settings.replicas(),
        is_spent: AtomicBool::new(false),
    };
    Ok((Arc::new(session), link, risks))
}

async fn load(client: &Client, script: &str) -> Result<String, Trouble> {
    let mut command = Cmd::new();
    command.arg("SCRIPT").arg("LOAD").arg(script);
    match client.ask_soon(&command).await? {
        Value::BulkString(hash) => String::from_utf8(hash).map_err(|_| odd("a script's name")),
        Value::SimpleString(hash) => Ok(hash),
        _ => Err(odd("a script's name")),
    }
}

/// An answer that is not what it is to be.
pub(super) fn odd(what: &str) -> Trouble {
    Trouble::Foreign(format!("Redis answers {what} in a form that isn't known"))
}
