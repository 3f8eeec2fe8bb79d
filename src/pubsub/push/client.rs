//! The HTTP client of the process: one thread, which makes every outgoing request.
//!
//! Cores hand requests over and get outcomes back through [`crate::pubsub::offload`], so the
//! client's runtime needs not be the cores'. What is under way is bounded on the cores' side.

use super::destinations::{Destinations, Resolver};
use super::tls;
use super::token::{TOKEN_SECONDS, TokenFor, TokenKey};
use crate::pubsub::offload::{Answers, Reply};
use crate::runtime::spawn_beside;
use bytes::Bytes;
use futures_util::future::{Either, select};
use http::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use http::{Method, Request, Uri};
use http_body_util::{BodyExt, Full};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::pki_types::CertificateDer;
use std::collections::HashMap;
use std::future::Future;
use std::path::PathBuf;
use std::pin::pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::{OnceCell, Semaphore, mpsc, oneshot};

/// Requests that one core may have under way.
const IN_FLIGHT_PER_CORE_MAX: usize = 1024;

/// Bytes of an answer's body that are read, so that its connection can be used again.
const ANSWER_BYTES_MAX: usize = 64 << 10;

/// Connections that are kept for one host while idle.
const IDLE_PER_HOST_MAX: usize = 64;

/// Time that an idle connection is kept, s. Most servers keep them for longer.
const IDLE_SECONDS_MAX: u64 = 4;

/// Threads for name look-ups and key making.
const BLOCKING_THREADS_MAX: usize = 8;

/// Tokens that are kept.
const TOKENS_MAX: usize = 1024;

/// A token is made anew when it has less time left than this, s.
const TOKEN_SECONDS_LEFT_MIN: u64 = 600;

/// The issuer that the real service's tokens name.
pub const ISSUER_DEFAULT: &str = "https://accounts.google.com";

/// What push may do and trust.
#[derive(Clone, Debug)]
pub struct PushConfig {
    /// Where the signing key is kept; without it, it lives as long as the process.
    pub key_directory: Option<PathBuf>,
    /// Certificate authorities to trust besides the system's, a PEM file.
    pub ca_file: Option<PathBuf>,
    /// Trust any certificate.
    pub accept_any_certificate: bool,
    /// Where push may go.
    pub destinations: Destinations,
    /// `iss` of tokens.
    pub issuer: String,
}

impl Default for PushConfig {
    fn default() -> Self {
        Self {
            key_directory: None,
            ca_file: None,
            accept_any_certificate: false,
            destinations: Destinations::default(),
            issuer: ISSUER_DEFAULT.to_owned(),
        }
    }
}

/// Why push can't be set up.
#[derive(Debug, thiserror::Error)]
pub enum PushSetupError {
    /// The file of certificate authorities can't be used.
    #[error("can't use the certificate authorities of {0}")]
    Authorities(String),
}

/// One request to make.
#[derive(Debug)]
pub struct HttpRequest {
    pub method: Method,
    /// Absolute.
    pub uri: Uri,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// For everything from the look-up of the name to the answer's head.
    pub timeout: Duration,
    /// Adds an `Authorization` header.
    pub token: Option<TokenFor>,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HttpOutcome {
    /// The status of the answer; 102 if the server said that it is processing the request.
    Status(u16),
    TimedOut,
    /// No answer, and why.
    Failed(String),
}

impl HttpOutcome {
    /// The status, or why there is none, for people.
    pub fn told(&self) -> String {
        match self {
            Self::Status(status) => status.to_string(),
            Self::TimedOut => "no answer in time".to_owned(),
            Self::Failed(why) => why.clone(),
        }
    }
}

/// The process's client. Cheap to clone; its thread starts at first need and ends with the last
/// clone.
#[derive(Clone)]
pub struct PushClient {
    shared: Arc<Shared>,
}

struct Shared {
    config: PushConfig,
    authorities: Vec<CertificateDer<'static>>,
    work: OnceLock<Result<mpsc::UnboundedSender<Work>, String>>,
}

enum Work {
    Request(Box<HttpRequest>, Reply<HttpOutcome>),
    Jwks(Reply<Result<String, String>>),
    Blocking(
        Box<dyn FnOnce() -> Result<(), String> + Send>,
        Reply<Result<(), String>>,
    ),
}

impl PushClient {
    /// Checks the configuration; starts nothing yet.
    pub fn new(config: PushConfig) -> Result<Self, PushSetupError> {
        let authorities = match &config.ca_file {
            Some(path) => tls::read_authorities(path).map_err(PushSetupError::Authorities)?,
            None => Vec::new(),
        };
        Ok(Self {
            shared: Arc::new(Shared {
                config,
                authorities,
                work: OnceLock::new(),
            }),
        })
    }

    /// The calling core's end.
    pub fn on_core(&self) -> CorePush {
        CorePush {
            inner: Rc::new(CoreInner {
                client: self.clone(),
                outcomes: Answers::new(),
                key_sets: Answers::new(),
                blocking: Answers::new(),
                permits: Semaphore::new(IN_FLIGHT_PER_CORE_MAX),
            }),
        }
    }

    /// `iss` of tokens.
    pub fn issuer(&self) -> &str {
        &self.shared.config.issuer
    }

    fn submit(&self, work: Work) -> Result<(), String> {
        let sender = self
            .shared
            .work
            .get_or_init(|| start(&self.shared).map_err(|error| error.to_string()));
        match sender {
            Ok(sender) => sender
                .send(work)
                .map_err(|_| "the thread for requests has ended".to_owned()),
            Err(error) => Err(format!("no thread for requests: {error}")),
        }
    }
}

/// A core's end of the client. Clones are cheap and stay on their core.
#[derive(Clone)]
pub struct CorePush {
    inner: Rc<CoreInner>,
}

struct CoreInner {
    client: PushClient,
    outcomes: Answers<HttpOutcome>,
    key_sets: Answers<Result<String, String>>,
    blocking: Answers<Result<(), String>>,
    /// Bounds the queue to the thread.
    permits: Semaphore,
}

impl CorePush {
    /// Makes a request. Waits its turn if the core has too many under way; the request's own time
    /// begins after that. Dropping the future forgets the outcome, not the request.
    pub async fn send(&self, request: HttpRequest) -> HttpOutcome {
        let inner = &self.inner;
        let _permit = inner.permits.acquire().await;
        let (reply, answer) = inner.outcomes.open();
        let work = Work::Request(Box::new(request), reply);
        if let Err(error) = inner.client.submit(work) {
            return HttpOutcome::Failed(error);
        }
        answer
            .await
            .unwrap_or_else(|error| HttpOutcome::Failed(error.to_string()))
    }

    /// Runs work that blocks, such as writing files, on a thread of the client's. It waits its turn
    /// with requests. Dropping the future forgets the outcome, not the work.
    pub async fn blocking(
        &self,
        work: impl FnOnce() -> Result<(), String> + Send + 'static,
    ) -> Result<(), String> {
        let inner = &self.inner;
        let _permit = inner.permits.acquire().await;
        let (reply, answer) = inner.blocking.open();
        inner.client.submit(Work::Blocking(Box::new(work), reply))?;
        answer.await.unwrap_or_else(|error| Err(error.to_string()))
    }

    /// The key set that verifies tokens, as JSON. Makes the key if there is none yet.
    ///
    /// # Errors
    /// Why there is no key, in words.
    pub async fn jwks(&self) -> Result<String, String> {
        let (reply, answer) = self.inner.key_sets.open();
        self.inner.client.submit(Work::Jwks(reply))?;
        answer.await.unwrap_or_else(|error| Err(error.to_string()))
    }

    /// The OpenID configuration that points to the key set at `jwks_uri`, as JSON.
    pub fn openid_configuration(&self, jwks_uri: &str) -> String {
        serde_json::json!({
            "issuer": self.inner.client.issuer(),
            "jwks_uri": jwks_uri,
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "claims_supported": ["aud", "azp", "email", "email_verified", "exp", "iat", "iss", "sub"],
        })
        .to_string()
    }
}

fn start(shared: &Shared) -> Result<mpsc::UnboundedSender<Work>, Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS_MAX)
        .build()?;
    let thread = Arc::new(Thread::new(shared)?);
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let named = std::thread::Builder::new().name("lclq-push".to_owned());
    spawn_beside(named, move || {
        runtime.block_on(async move {
            while let Some(work) = receiver.recv().await {
                tokio::spawn(thread.clone().run(work));
            }
        });
        // Look-ups may hang; nobody waits for them.
        runtime.shutdown_background();
    })?;
    Ok(sender)
}

/// What the thread's tasks share.
struct Thread {
    http: Client<HttpsConnector<HttpConnector<Resolver>>, Full<Bytes>>,
    destinations: Arc<Destinations>,
    key_directory: Option<PathBuf>,
    issuer: String,
    key: OnceCell<TokenKey>,
    tokens: Mutex<HashMap<TokenFor, KeptToken>>,
}

#[derive(Clone)]
struct KeptToken {
    header: HeaderValue,
    /// Seconds since 1970.
    good_until: u64,
}

impl Thread {
    fn new(shared: &Shared) -> Result<Self, Box<dyn std::error::Error>> {
        let config = &shared.config;
        let tls = tls::client_config(&shared.authorities, config.accept_any_certificate)?;
        let destinations = Arc::new(config.destinations.clone());
        let resolver = Resolver::new(destinations.clone());
        let mut connector = HttpConnector::new_with_resolver(resolver);
        connector.enforce_http(false);
        connector.set_nodelay(true);
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .wrap_connector(connector);
        let http = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(IDLE_SECONDS_MAX))
            .pool_max_idle_per_host(IDLE_PER_HOST_MAX)
            .build(connector);
        Ok(Self {
            http,
            destinations,
            key_directory: config.key_directory.clone(),
            issuer: config.issuer.clone(),
            key: OnceCell::new(),
            tokens: Mutex::default(),
        })
    }

    async fn run(self: Arc<Self>, work: Work) {
        match work {
            Work::Request(request, reply) => {
                let timeout = request.timeout;
                let outcome = match tokio::time::timeout(timeout, self.request(*request)).await {
                    Ok(outcome) => outcome,
                    Err(_) => HttpOutcome::TimedOut,
                };
                reply.answer(outcome);
            }
            Work::Blocking(work, reply) => {
                // A panic drops the reply, which its core notices.
                drop(tokio::task::spawn_blocking(move || reply.answer(work())));
            }
            Work::Jwks(reply) => {
                let key = self.key().await;
                reply.answer(key.map(|key| key.jwks().to_owned()));
            }
        }
    }

    async fn request(&self, given: HttpRequest) -> HttpOutcome {
        if let Err(why) = self.destinations.check(&given.uri) {
            return HttpOutcome::Failed(why);
        }
        let mut request = Request::new(Full::new(given.body));
        *request.method_mut() = given.method;
        *request.uri_mut() = given.uri;
        *request.headers_mut() = given.headers;
        if let Some(to) = given.token {
            match self.token(to).await {
                Ok(header) => drop(request.headers_mut().insert(AUTHORIZATION, header)),
                Err(error) => return HttpOutcome::Failed(error),
            }
        }
        let processing = on_processing(&mut request);
        let answer = async {
            match self.http.request(request).await {
                Ok(answer) => {
                    let status = answer.status().as_u16();
                    // Read on without making the outcome wait.
                    tokio::spawn(drain(answer.into_body()));
                    HttpOutcome::Status(status)
                }
                Err(error) => HttpOutcome::Failed(chain(&error)),
            }
        };
        match select(pin!(answer), pin!(processing)).await {
            Either::Left((outcome, _)) => outcome,
            Either::Right(((), _)) => HttpOutcome::Status(102),
        }
    }

    async fn key(&self) -> Result<&TokenKey, String> {
        let make = async || {
            let directory = self.key_directory.clone();
            tokio::task::spawn_blocking(move || TokenKey::load_or_make(directory.as_deref()))
                .await
                .map_err(|error| error.to_string())?
                .map_err(|error| error.to_string())
        };
        self.key.get_or_try_init(make).await
    }

    async fn token(&self, to: TokenFor) -> Result<HeaderValue, String> {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |time| time.as_secs());
        let kept = self.tokens().get(&to).cloned();
        if let Some(kept) = kept
            && kept.good_until >= now + TOKEN_SECONDS_LEFT_MIN
            // Receivers go by their wall clock; ours may have been set back since it was signed.
            && kept.good_until <= now + TOKEN_SECONDS
        {
            return Ok(kept.header);
        }
        let key = self.key().await?;
        let token = key
            .token(&self.issuer, &to, now)
            .map_err(|error| format!("no token can be signed: {error}"))?;
        let header = HeaderValue::try_from(format!("Bearer {token}"))
            .map_err(|error| format!("no token can be sent: {error}"))?;
        let mut tokens = self.tokens();
        if tokens.len() >= TOKENS_MAX {
            tokens.clear();
        }
        let kept = KeptToken {
            header: header.clone(),
            good_until: now + TOKEN_SECONDS,
        };
        tokens.insert(to, kept);
        Ok(header)
    }

    fn tokens(&self) -> std::sync::MutexGuard<'_, HashMap<TokenFor, KeptToken>> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends when the server says `102 Processing`, which acknowledges a message.
fn on_processing<B>(request: &mut Request<B>) -> impl Future<Output = ()> + use<B> {
    let (sender, receiver) = oneshot::channel();
    let sender = Mutex::new(Some(sender));
    hyper::ext::on_informational(request, move |answer| {
        if answer.status().as_u16() == 102
            && let Some(sender) = sender.lock().unwrap_or_else(PoisonError::into_inner).take()
        {
            let _ = sender.send(());
        }
    });
    async move {
        if receiver.await.is_err() {
            // The request is over without it; the other side decides.
            std::future::pending::<()>().await;
        }
    }
}

/// Reads a small body to its end, so that the connection can serve the next request; a large or
/// slow one isn't worth it.
async fn drain(mut body: hyper::body::Incoming) {
    let read = async {
        let mut left = ANSWER_BYTES_MAX;
        while let Some(Ok(frame)) = body.frame().await {
            let size = frame.data_ref().map_or(0, Bytes::len);
            match left.checked_sub(size) {
                Some(rest) => left = rest,
                None => return,
            }
        }
    };
    let _ = tokio::time::timeout(Duration::from_secs(IDLE_SECONDS_MAX), read).await;
}

/// An error with its causes: the outermost alone says next to nothing.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[cfg(feature = "fuzzing")]
#[path = "client_fuzzing.rs"]
pub mod fuzzing;

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
