//! What tests do to a server, by its admin API.

use crate::Server;
use crate::place::Place;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Why the server didn't do what a test asked of it.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// It has refused.
    #[error("{code}: {message}")]
    Refused {
        /// The refusal's code, such as `NotFound`.
        code: String,
        /// What it says.
        message: String,
    },
    /// It can't be asked.
    #[error("the admin API: {0}")]
    Http(#[from] ureq::Error),
    /// Its answer isn't JSON.
    #[error("the admin API's answer: {0}")]
    Answer(#[from] serde_json::Error),
}

impl Server {
    /// Asks the admin API for anything; `path` begins below `/api/v1/`.
    ///
    /// # Errors
    /// The server has refused, or can't be asked.
    pub fn call(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, ControlError> {
        self.place.call(method, path, body)
    }

    /// Deletes everything, for all sandboxes.
    ///
    /// # Errors
    /// As [`Server::call`].
    pub fn reset(&self) -> Result<(), ControlError> {
        self.call("POST", "test/reset", Some(&json!({}))).map(drop)
    }

    /// Its clock, for tests to stop and move.
    pub fn clock(&self) -> Clock {
        let place = self.place.clone();
        Clock { place }
    }

    /// Its rules of which requests fail.
    pub fn faults(&self) -> Faults {
        let place = self.place.clone();
        Faults { place }
    }
}

/// A server's clock, which all its sandboxes share: tests that move it want a server of their own.
#[derive(Clone, Debug)]
pub struct Clock {
    place: Arc<Place>,
}

impl Clock {
    /// Has time stand still.
    ///
    /// # Errors
    /// As [`Server::call`].
    pub fn stop(&self) -> Result<(), ControlError> {
        self.order("stop", None)
    }

    /// Has time go on from where it is.
    ///
    /// # Errors
    /// As [`Server::call`].
    pub fn resume(&self) -> Result<(), ControlError> {
        self.order("resume", None)
    }

    /// Jumps ahead; all that becomes due meanwhile happens.
    ///
    /// # Errors
    /// As [`Server::call`].
    pub fn advance(&self, by: Duration) -> Result<(), ControlError> {
        self.order("advance", Some(json!({ "ms": by.as_millis() as u64 })))
    }

    /// Jumps ahead to a time.
    ///
    /// # Errors
    /// As [`Server::call`]; it lies behind.
    pub fn set(&self, to: SystemTime) -> Result<(), ControlError> {
        let since_1970 = to.duration_since(UNIX_EPOCH).unwrap_or_default();
        self.order("set", Some(json!({ "to": since_1970.as_millis() as u64 })))
    }

    fn order(&self, order: &str, body: Option<Value>) -> Result<(), ControlError> {
        let path = format!("test/clock/{order}");
        self.place.call("POST", &path, body.as_ref()).map(drop)
    }
}

/// Rules that have requests fail. docs/testing.md of lclq has what a rule may say.
#[derive(Clone, Debug)]
pub struct Faults {
    place: Arc<Place>,
}

impl Faults {
    /// Sets a rule and answers its name.
    ///
    /// # Errors
    /// As [`Server::call`]; the rule makes no sense.
    pub fn set(&self, rule: &Value) -> Result<String, ControlError> {
        let set = self.place.call("POST", "test/faults", Some(rule))?;
        Ok(set["name"].as_str().unwrap_or_default().to_owned())
    }

    /// All rules, each with its `name`, the `rule`, and how many requests it `matched` and `fired` at.
    ///
    /// # Errors
    /// As [`Server::call`].
    pub fn list(&self) -> Result<Vec<Value>, ControlError> {
        let mut all = self.place.call("GET", "test/faults", None)?;
        Ok(all["faults"]
            .as_array_mut()
            .map(std::mem::take)
            .unwrap_or_default())
    }

    /// Takes one rule away, by a name that [`Faults::set`] answered.
    ///
    /// # Errors
    /// As [`Server::call`].
    pub fn remove(&self, name: &str) -> Result<(), ControlError> {
        self.place
            .call("DELETE", &format!("test/faults/{name}"), None)
            .map(drop)
    }

    /// Takes all rules away.
    ///
    /// # Errors
    /// As [`Server::call`].
    pub fn clear(&self) -> Result<(), ControlError> {
        self.place.call("DELETE", "test/faults", None).map(drop)
    }
}
