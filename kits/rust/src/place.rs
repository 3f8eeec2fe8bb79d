//! Where a server listens, and how it is asked by its admin API.

use crate::ControlError;
use serde_json::Value;
use std::time::Duration;
use ureq::http::Request;

const CONTROL_S_MAX: u64 = 60;

#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) endpoint: String,
    pub(crate) pubsub: String,
    pub(crate) admin: String,
}

impl Place {
    /// Asks the admin API; `path` begins below `/api/v1/`.
    pub(crate) fn call(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, ControlError> {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(CONTROL_S_MAX)))
            // Proxies of the environment are for others: this is loopback.
            .proxy(None)
            .build()
            .new_agent();
        let text = body.map_or_else(String::new, Value::to_string);
        let request = Request::builder()
            .method(method)
            .uri(format!("{}/api/v1/{path}", self.admin))
            .body(text)
            .map_err(ureq::Error::from)?;
        let mut answer = agent.run(request)?;
        let text = answer.body_mut().read_to_string()?;
        if answer.status().is_success() {
            return Ok(serde_json::from_str(&text)?);
        }
        let error = serde_json::from_str::<Value>(&text).unwrap_or_default();
        let said = |name: &str| error["error"][name].as_str().map(str::to_owned);
        Err(ControlError::Refused {
            code: said("code").unwrap_or_else(|| answer.status().as_str().to_owned()),
            message: said("message").unwrap_or(text),
        })
    }
}
