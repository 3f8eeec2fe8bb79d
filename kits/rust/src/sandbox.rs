//! A part of a server that one test has to itself.

use crate::ControlError;
use crate::place::Place;
use serde_json::json;
use std::sync::Arc;

/// The region that sandboxes are used in.
pub const REGION: &str = "us-east-1";

/// Numbers of twelve digits.
const ACCOUNT_MIN: u64 = 100_000_000_000;
const ACCOUNTS: u64 = 900_000_000_000;

/// An SQS account and a Pub/Sub project that nobody else has. Names in it collide with nobody's.
#[derive(Clone, Debug)]
pub struct Sandbox {
    place: Arc<Place>,
    account: String,
    project: String,
}

impl Sandbox {
    pub(crate) fn new(place: Arc<Place>) -> Self {
        let random = getrandom::u64().expect("the system has random numbers");
        let account = ACCOUNT_MIN + random % ACCOUNTS;
        Self {
            place,
            account: account.to_string(),
            project: format!("test-{account}"),
        }
    }

    /// The account's number. An access key that is an account's number puts a client into that account.
    pub fn account(&self) -> &str {
        &self.account
    }

    /// The Pub/Sub project.
    pub fn project(&self) -> &str {
        &self.project
    }

    /// The URL of SQS.
    pub fn endpoint(&self) -> &str {
        &self.place.endpoint
    }

    /// Host and port of Pub/Sub, as `PUBSUB_EMULATOR_HOST` wants them.
    pub fn pubsub(&self) -> &str {
        &self.place.pubsub
    }

    /// Environment variables that bring AWS' and Google's SDKs here, for a process that a test starts.
    pub fn env(&self) -> [(&'static str, &str); 8] {
        [
            ("AWS_ENDPOINT_URL_SQS", self.endpoint()),
            ("AWS_ACCESS_KEY_ID", &self.account),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("AWS_REGION", REGION),
            ("AWS_DEFAULT_REGION", REGION),
            ("PUBSUB_EMULATOR_HOST", self.pubsub()),
            ("PUBSUB_PROJECT_ID", &self.project),
            ("GOOGLE_CLOUD_PROJECT", &self.project),
        ]
    }

    /// Deletes all that is in it.
    ///
    /// # Errors
    /// The server refuses, because it was started without test controls, or is gone.
    pub fn reset(&self) -> Result<(), ControlError> {
        let reset = |part| self.place.call("POST", "test/reset", Some(&part));
        reset(json!({ "account": self.account }))?;
        reset(json!({ "project": self.project }))?;
        Ok(())
    }
}
