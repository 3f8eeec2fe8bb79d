//! A server on threads of this process.

use crate::Sandbox;
use crate::place::Place;
use lclq::config::Config;
use lclq::server::{Registry, ServerError, Until};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// What holds where no flag says otherwise: free ports, one core, a soon end.
const DEFAULTS: [(&str, &str); 7] = [
    ("--sqs-port", "0"),
    ("--pubsub-port", "0"),
    ("--pubsub-rest-port", "0"),
    ("--admin-port", "0"),
    ("--cores", "1"),
    ("--shutdown-ms-max", "1000"),
    ("--test-controls", ""),
];

/// Why a server didn't start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Its flags can't be used.
    #[error("{0}")]
    Flags(String),
    /// What it needs can't be had: a port, above all.
    #[error("{0}")]
    Server(#[from] ServerError),
    /// It was started without an endpoint that a test needs.
    #[error("the server has no endpoint {0}")]
    Endpoint(&'static str),
}

/// A running server, on free ports of loopback and in memory unless flags say otherwise. Its clock is its own.
/// It stops when it is dropped.
pub struct Server {
    pub(crate) place: Arc<Place>,
    /// Behind a lock, since what waits for its end isn't to be shared between threads.
    running: Mutex<Option<lclq::server::Server>>,
}

impl Server {
    /// Starts one. Returns once it is ready.
    ///
    /// # Errors
    /// It can't be.
    pub fn start() -> Result<Self, StartError> {
        Self::start_with::<&str>(&[])
    }

    /// Starts one with flags of `lclq start`, such as `["--data-dir", "queues"]`. Neither the environment nor
    /// a file that isn't named has a say.
    ///
    /// # Errors
    /// Flags that can't be used, a port that is taken.
    pub fn start_with<S: AsRef<str>>(flags: &[S]) -> Result<Self, StartError> {
        let flags: Vec<&str> = flags.iter().map(AsRef::as_ref).collect();
        let mut args = vec!["lclq", "start"];
        for (flag, value) in DEFAULTS {
            let is_given = |given: &&str| given.split('=').next() == Some(flag);
            if !flags.iter().any(is_given) {
                args.push(flag);
                args.extend((!value.is_empty()).then_some(value));
            }
        }
        args.extend(flags);
        let config =
            Config::from_flags(args).map_err(|lines| StartError::Flags(lines.join("\n")))?;
        let registry = Registry::of(&config);
        let running = lclq::server::Server::start(config, registry, Until::Told)?;
        let address = |name: &'static str| {
            let listening = running.listening().iter().find(|one| one.name() == name);
            listening
                .map(ToString::to_string)
                .ok_or(StartError::Endpoint(name))
        };
        let host = |url: String| url.split("://").nth(1).map(str::to_owned).unwrap_or(url);
        let place = Place {
            endpoint: address("sqs")?,
            pubsub: address("pubsub").map(host)?,
            admin: address("admin")?,
        };
        Ok(Self {
            place: Arc::new(place),
            running: Mutex::new(Some(running)),
        })
    }

    /// The URL of SQS.
    pub fn endpoint(&self) -> &str {
        &self.place.endpoint
    }

    /// Host and port of Pub/Sub, as `PUBSUB_EMULATOR_HOST` wants them.
    pub fn pubsub(&self) -> &str {
        &self.place.pubsub
    }

    /// The URL of the admin API, the metrics and the web console.
    pub fn admin(&self) -> &str {
        &self.place.admin
    }

    /// An account and a project that nobody else has.
    pub fn sandbox(&self) -> Sandbox {
        Sandbox::new(self.place.clone())
    }

    /// Stops it and waits for that.
    ///
    /// # Errors
    /// A part of it had failed.
    pub fn stop(mut self) -> Result<(), ServerError> {
        self.end()
    }

    fn end(&mut self) -> Result<(), ServerError> {
        let running = self.running.get_mut();
        let Some(running) = running.unwrap_or_else(PoisonError::into_inner).take() else {
            return Ok(());
        };
        running.shutdown().trigger();
        running.join()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Err(error) = self.end() {
            eprintln!("lclq-testkit: the server had failed: {error}");
        }
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}
