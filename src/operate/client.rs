//! Requests to the admin API.

use super::Failure;
use crate::cli::Server;
use serde_json::Value;
use std::io::{BufReader, Read};
use std::time::Duration;
use ureq::http::{Method, Request, Response, StatusCode};
use ureq::tls::TlsConfig;
use ureq::{BodyReader, SendBody};

/// Longer than any long poll.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(60);
const CONNECT_TIME_MAX: Duration = Duration::from_secs(5);

/// Has a token, where no file does.
const TOKEN_VARIABLE: &str = "LCLQ_TOKEN";

pub(super) struct Client {
    agent: ureq::Agent,
    /// For what may take as long as it takes.
    patient: ureq::Agent,
    url: String,
    /// What the header of each request says, where the server is to know who asks.
    authorization: Option<String>,
}

/// The token to come with: of a file, or of the environment. It is no flag, since those of a process
/// are anybody's to see.
fn token(server: &Server) -> Result<Option<String>, Failure> {
    let text = match &server.token_file {
        Some(path) => std::fs::read_to_string(path)
            .map_err(|error| Failure::Refused(format!("{}: {error}", path.display())))?,
        None => match std::env::var(TOKEN_VARIABLE) {
            Ok(text) => text,
            Err(_) => return Ok(None),
        },
    };
    // As `create-token` has printed it, too.
    let token = text.trim().trim_start_matches("LCLQ_TOKEN=");
    Ok((!token.is_empty()).then(|| token.to_owned()))
}

impl Client {
    pub fn of(server: &Server) -> Result<Self, Failure> {
        // Reading the system's authorities takes longer than most requests.
        let tls = if server.url.starts_with("https:") {
            let shown = server
                .client_cert
                .as_deref()
                .zip(server.client_key.as_deref());
            let tls = crate::tls::client(server.ca_file.as_deref(), shown);
            tls.map_err(|error| Failure::Refused(error.to_string()))?
        } else {
            TlsConfig::default()
        };
        let agent = |answer_time_max| {
            ureq::Agent::config_builder()
                .http_status_as_error(false)
                .timeout_global(answer_time_max)
                .timeout_connect(Some(CONNECT_TIME_MAX))
                .tls_config(tls.clone())
                .build()
                .into()
        };
        Ok(Self {
            agent: agent(Some(ANSWER_TIME_MAX)),
            patient: agent(None),
            url: server.url.trim_end_matches('/').to_owned(),
            authorization: token(server)?.map(|token| format!("Bearer {token}")),
        })
    }

    pub fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Value, Failure> {
        self.ask(Method::GET, &format!("{path}{}", query_of(query)), None)
    }

    pub fn post(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        self.ask(Method::POST, path, Some(body))
    }

    pub fn put(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        self.ask(Method::PUT, path, Some(body))
    }

    pub fn patch(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        self.ask(Method::PATCH, path, Some(body))
    }

    pub fn delete(&self, path: &str) -> Result<Value, Failure> {
        self.ask(Method::DELETE, path, None)
    }

    /// Follows what goes on, line by line, for as long as the server has something to say.
    pub fn follow(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<BufReader<BodyReader<'static>>, Failure> {
        let url = format!("{}/api/v1/{path}{}", self.url, query_of(query));
        let request = self.signed(self.patient.get(url));
        let mut answer = request.call().map_err(|error| self.unreachable(&error))?;
        if answer.status().is_success() {
            return Ok(BufReader::new(answer.into_body().into_reader()));
        }
        Err(self.refused(&mut answer))
    }

    /// An answer of any length, as it comes.
    pub fn download(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<impl Read + use<>, Failure> {
        let url = format!("{}/api/v1/{path}{}", self.url, query_of(query));
        let request = self.signed(self.patient.get(url));
        let mut answer = request.call().map_err(|error| self.unreachable(&error))?;
        if answer.status().is_success() {
            return Ok(answer.into_body().into_reader());
        }
        Err(self.refused(&mut answer))
    }

    /// Sends a body of any length.
    pub fn upload(
        &self,
        path: &str,
        query: &[(&str, &str)],
        mut body: impl Read,
    ) -> Result<Value, Failure> {
        let url = format!("{}/api/v1/{path}{}", self.url, query_of(query));
        let request = self
            .signed(self.patient.post(url))
            .content_type("application/zstd");
        let sent = request.send(SendBody::from_reader(&mut body));
        let mut answer = sent.map_err(|error| self.unreachable(&error))?;
        if !answer.status().is_success() {
            return Err(self.refused(&mut answer));
        }
        let body = answer.body_mut().read_to_string();
        let body = body.map_err(|error| self.unreachable(&error))?;
        serde_json::from_str(&body).map_err(|_| self.unreachable(&"it answers no JSON"))
    }

    /// Says who asks.
    fn signed<B>(&self, request: ureq::RequestBuilder<B>) -> ureq::RequestBuilder<B> {
        match &self.authorization {
            Some(authorization) => request.header("authorization", authorization),
            None => request,
        }
    }

    fn refused(&self, answer: &mut Response<ureq::Body>) -> Failure {
        let text = answer.body_mut().read_to_string().unwrap_or_default();
        let body: Value = serde_json::from_str(&text).unwrap_or_default();
        let message = body["error"]["message"].as_str();
        let message = message.unwrap_or(text.trim()).to_owned();
        match answer.status() {
            StatusCode::NOT_FOUND => Failure::Missing(message),
            _ => Failure::Refused(message),
        }
    }

    fn unreachable(&self, error: &dyn std::fmt::Display) -> Failure {
        Failure::Unreachable(format!(
            "no answer from {}: {error}; is a server running, and is this its admin endpoint?",
            self.url
        ))
    }

    fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, Failure> {
        // Paths of the admin API, or whole ones.
        let url = match path.strip_prefix('/') {
            Some(path) => format!("{}/{path}", self.url),
            None => format!("{}/api/v1/{path}", self.url),
        };
        let unreachable = |error: &dyn std::fmt::Display| self.unreachable(error);
        let text = body.map(Value::to_string).unwrap_or_default();
        let mut request = Request::builder()
            .method(method)
            .uri(&url)
            .header("content-type", "application/json");
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        let request = request.body(text).map_err(|error| unreachable(&error))?;
        let mut answer = self
            .agent
            .run(request)
            .map_err(|error| unreachable(&error))?;
        let status = answer.status();
        let text = answer
            .body_mut()
            .read_to_string()
            .map_err(|error| unreachable(&error))?;
        let body: Value =
            serde_json::from_str(&text).map_err(|_| unreachable(&"it answers no JSON"))?;
        if status.is_success() {
            return Ok(body);
        }
        let message = body["error"]["message"]
            .as_str()
            .or(body["reason"].as_str())
            .map_or_else(|| text.trim().to_owned(), str::to_owned);
        Err(if status == StatusCode::NOT_FOUND {
            Failure::Missing(message)
        } else {
            Failure::Refused(message)
        })
    }
}

fn query_of(query: &[(&str, &str)]) -> String {
    let mut encoded = form_urlencoded::Serializer::new(String::new());
    encoded.extend_pairs(query);
    let encoded = encoded.finish();
    let mark = if encoded.is_empty() { "" } else { "?" };
    format!("{mark}{encoded}")
}
