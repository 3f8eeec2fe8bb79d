//! Who may ask: what keeps web pages out.
//!
//! A browser on a developer's machine runs pages of strangers, and reaches this server for them. A
//! page's own requests carry an Origin that its author can't choose, others (images, forms, links)
//! a Sec-Fetch-Site. A page can also have its own name resolve to this machine (DNS rebinding) and
//! is then of one origin with the server; its name is the request's Host. So a request passes if
//! each of the three is one that can't be a stranger's. Clients that aren't browsers send neither
//! Origin nor Sec-Fetch-Site, and a Host that is their configured endpoint's.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use http::Request;
use http::header::HeaderValue;

/// Characters of what a client sent that an error repeats.
const QUOTED_CHARS_MAX: usize = 100;
/// Bytes of a Host that is remembered: of the longest name with a port.
const HOST_BYTES_MAX: usize = 253 + 6;

/// Who may ask besides the machine itself.
#[derive(Clone, Debug, Default)]
pub struct Callers {
    /// Names that a request's Host may have, see [`parse_host`].
    pub hosts: Vec<String>,
    /// Origins of web pages, see [`parse_origin`].
    pub origins: Vec<String>,
}

/// Checks a name for [`Callers::hosts`]: a DNS name, `*.` and a name for all below it, or `*`.
pub fn parse_host(text: &str) -> Result<String, String> {
    let name = text.strip_prefix("*.").unwrap_or(text);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if text == "*" || (1..=253).contains(&name.len()) && name.bytes().all(plain) {
        Ok(text.trim_end_matches('.').to_ascii_lowercase())
    } else {
        Err("a host's name without scheme and port, *.name for all below one, or *".to_owned())
    }
}

/// Checks an origin for [`Callers::origins`]: scheme, host and port as browsers send them, `null`,
/// or `*` for any.
pub fn parse_origin(text: &str) -> Result<String, String> {
    let is_origin = |text: &str| {
        text.split_once("://").is_some_and(|(scheme, rest)| {
            !scheme.is_empty() && !rest.is_empty() && !rest.contains(['/', '@', '?', '#', ' '])
        })
    };
    let text = text.trim_end_matches('/');
    if text == "*" || text == "null" || is_origin(text) {
        Ok(text.to_ascii_lowercase())
    } else {
        Err("an origin such as https://app.example:8443, or * for any".to_owned())
    }
}

/// Why a request doesn't pass. Its text says what to set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Its Host isn't known.
    Host(String),
    /// It was made by a page of another origin.
    Origin(String),
    /// It was made by a page of another site.
    CrossSite,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(host) => {
                let name = name_and_port(host).map_or("NAME", |(name, _)| name);
                write!(
                    f,
                    "This server does not answer to the host {host:?}. Start it with --allow-host \
                     {name} (LCLQ_ALLOW_HOST={name}) if that is its name, or with \
                     --allow-host '*' for any."
                )
            }
            Self::Origin(origin) => write!(
                f,
                "This server does not answer to web pages of {origin:?}. Start it with \
                 --allow-origin {origin} (LCLQ_ALLOW_ORIGIN={origin}) if they may use it."
            ),
            Self::CrossSite => f.write_str(
                "This server does not answer to web pages of other sites. Start it with \
                 --allow-origin if one may use it, and have it send requests with their origin \
                 (CORS).",
            ),
        }
    }
}

/// Callers that may be exchanged while cores let them in. Clones are the same ones.
#[derive(Clone, Debug, Default)]
pub struct SharedCallers(Arc<Exchangeable>);

#[derive(Debug, Default)]
struct Exchangeable {
    /// Counts exchanges.
    version: AtomicU64,
    callers: Mutex<Callers>,
}

impl SharedCallers {
    /// Exchanges them: whoever asks from now on meets the new ones.
    pub fn set(&self, callers: Callers) {
        let mut current = self
            .0
            .callers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *current = callers;
        self.0.version.fetch_add(1, Ordering::Release);
    }

    fn version(&self) -> u64 {
        self.0.version.load(Ordering::Acquire)
    }

    fn get(&self) -> (u64, Callers) {
        let current = self
            .0
            .callers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        (self.version(), current.clone())
    }
}

impl From<Callers> for SharedCallers {
    fn from(callers: Callers) -> Self {
        Self(Arc::new(Exchangeable {
            version: AtomicU64::new(0),
            callers: Mutex::new(callers),
        }))
    }
}

/// One core's door.
pub struct Door {
    shared: SharedCallers,
    /// What is shared, as it was at this version.
    version: Cell<u64>,
    callers: RefCell<Callers>,
    any_host: Cell<bool>,
    any_origin: Cell<bool>,
    /// The Host that passed last: nearly always the next one's.
    last: RefCell<Vec<u8>>,
}

impl Door {
    /// A door for these callers and for the machine itself.
    pub fn new(callers: &SharedCallers) -> Self {
        let door = Self {
            shared: callers.clone(),
            version: Cell::default(),
            callers: RefCell::default(),
            any_host: Cell::default(),
            any_origin: Cell::default(),
            last: RefCell::default(),
        };
        door.renew();
        door
    }

    #[cold]
    fn renew(&self) {
        let any = |all: &[String]| all.iter().any(|one| one == "*");
        let (version, callers) = self.shared.get();
        self.version.set(version);
        self.any_host.set(any(&callers.hosts));
        self.any_origin.set(any(&callers.origins));
        self.callers.replace(callers);
        self.last.borrow_mut().clear();
    }

    /// Lets a request pass, or says why not.
    #[inline]
    pub fn admit<B>(&self, request: &Request<B>) -> Result<(), Refusal> {
        if self.version.get() != self.shared.version() {
            self.renew();
        }
        let mut of_page = false;
        let mut cross_site = false;
        // In one pass: to look each up would hash each name.
        for (name, value) in request.headers() {
            match name.as_str() {
                "host" => self.admit_host(value.as_bytes())?,
                "origin" => {
                    self.admit_origin(value)?;
                    of_page = true;
                }
                "sec-fetch-site" => {
                    // A link that was followed from nowhere, or a page of this very server.
                    cross_site |= !matches!(value.as_bytes(), b"none" | b"same-origin");
                }
                _ => {}
            }
        }
        if let Some(authority) = request.uri().authority() {
            self.admit_host(authority.as_str().as_bytes())?;
        }
        if cross_site && !of_page && !self.any_origin.get() {
            return Err(Refusal::CrossSite);
        }
        Ok(())
    }

    #[inline]
    fn admit_host(&self, host: &[u8]) -> Result<(), Refusal> {
        if self.any_host.get() || *self.last.borrow() == host {
            return Ok(());
        }
        self.admit_new_host(host)
    }

    #[cold]
    fn admit_new_host(&self, host: &[u8]) -> Result<(), Refusal> {
        let known = std::str::from_utf8(host).is_ok_and(|host| self.knows_host(host));
        if !known {
            return Err(Refusal::Host(quoted(host)));
        }
        if host.len() <= HOST_BYTES_MAX {
            let mut last = self.last.borrow_mut();
            last.clear();
            last.extend_from_slice(host);
        }
        Ok(())
    }

    fn knows_host(&self, host: &str) -> bool {
        // HTTP/1.1's way to say that there is none.
        if host.is_empty() {
            return true;
        }
        let Some((name, _)) = name_and_port(host) else {
            return false;
        };
        // An address can't be made to mean another machine, whoever owns it.
        if address(name).is_some() || is_loopback_name(name) {
            return true;
        }
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        let callers = self.callers.borrow();
        callers
            .hosts
            .iter()
            .any(|allowed| match allowed.strip_prefix("*.") {
                Some(parent) => name
                    .strip_suffix(parent)
                    .is_some_and(|below| below.len() > 1 && below.ends_with('.')),
                None => *allowed == name,
            })
    }

    #[cold]
    fn admit_origin(&self, origin: &HeaderValue) -> Result<(), Refusal> {
        let known = self.any_origin.get()
            || std::str::from_utf8(origin.as_bytes()).is_ok_and(|origin| {
                let origin = origin.to_ascii_lowercase();
                is_loopback_origin(&origin) || self.callers.borrow().origins.contains(&origin)
            });
        if known {
            return Ok(());
        }
        Err(Refusal::Origin(quoted(origin.as_bytes())))
    }
}

/// `name:port`, `name`, `[v6]:port` or `[v6]`, the brackets kept; `None` for anything else.
fn name_and_port(host: &str) -> Option<(&str, &str)> {
    let name_bytes = match host.strip_prefix('[') {
        Some(rest) => rest.find(']')? + 2,
        None => host.find(':').unwrap_or(host.len()),
    };
    let (name, rest) = host.split_at(name_bytes);
    let port = match rest.strip_prefix(':') {
        Some(port) => port,
        None if rest.is_empty() => "",
        None => return None,
    };
    let plain = |byte: u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':' | b'[' | b']')
    };
    (!name.is_empty()
        && name.bytes().all(plain)
        && port.len() <= 5
        && port.bytes().all(|byte| byte.is_ascii_digit()))
    .then_some((name, port))
}

fn address(name: &str) -> Option<IpAddr> {
    match name.strip_prefix('[') {
        Some(rest) => {
            let address: Ipv6Addr = rest.strip_suffix(']')?.parse().ok()?;
            Some(address.into())
        }
        None => Some(name.parse::<Ipv4Addr>().ok()?.into()),
    }
}

/// `localhost` and all below it, which browsers never look up (RFC 6761, section 6.3).
fn is_loopback_name(name: &str) -> bool {
    const LOCALHOST: &str = "localhost";
    let name = name.strip_suffix('.').unwrap_or(name).as_bytes();
    let Some(at) = name.len().checked_sub(LOCALHOST.len()) else {
        return false;
    };
    name[at..].eq_ignore_ascii_case(LOCALHOST.as_bytes()) && (at == 0 || name[at - 1] == b'.')
}

fn is_loopback_origin(origin: &str) -> bool {
    let rest = origin
        .strip_prefix("http://")
        .or_else(|| origin.strip_prefix("https://"));
    rest.and_then(name_and_port).is_some_and(|(name, _)| {
        is_loopback_name(name) || address(name).is_some_and(|address| address.is_loopback())
    })
}

/// What a client sent, made fit for an error's text.
fn quoted(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.chars()
        .filter(char::is_ascii_graphic)
        .take(QUOTED_CHARS_MAX)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn door(hosts: &[&str], origins: &[&str]) -> Door {
        Door::new(&callers(hosts, origins).into())
    }

    fn callers(hosts: &[&str], origins: &[&str]) -> Callers {
        Callers {
            hosts: hosts.iter().map(|host| parse_host(host).unwrap()).collect(),
            origins: origins
                .iter()
                .map(|one| parse_origin(one).unwrap())
                .collect(),
        }
    }

    fn admit(door: &Door, uri: &str, headers: &[(&str, &str)]) -> Result<(), Refusal> {
        let mut request = Request::builder().uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        door.admit(&request.body(()).unwrap())
    }

    #[test]
    fn hosts_that_are_this_machine_pass_and_strangers_do_not() {
        let plain = door(&[], &[]);
        for host in [
            "localhost",
            "LOCALHOST:9324",
            "localhost.",
            "sqs.us-east-1.localhost:9324",
            "127.0.0.1:1",
            "10.1.2.3:9324",
            "0.0.0.0:8085",
            "[::1]:9324",
            "[fe80::1]",
            "",
        ] {
            assert_eq!(admit(&plain, "/", &[("host", host)]), Ok(()), "{host}");
        }
        for host in [
            "evil.example",
            "localhost.evil.example:9324",
            "notlocalhost",
            "127.0.0.1.evil.example",
            "lclq:9324",
            "user@localhost",
            "localhost:80:80",
            "localhost:x",
            "[::1",
            "[::1]x",
            "[evil]:1",
            "::1",
            ":80",
            "localhost evil",
        ] {
            let refusal = admit(&plain, "/", &[("host", host)]);
            assert!(matches!(refusal, Err(Refusal::Host(_))), "{host}");
            // HTTP/2 says it in the target; HTTP/1.1 may.
            let uri = format!("http://{host}/");
            if uri.parse::<http::Uri>().is_ok() {
                let refusal = admit(&plain, &uri, &[]);
                assert!(matches!(refusal, Err(Refusal::Host(_))), "{host}");
                let both = admit(&plain, &uri, &[("host", "localhost")]);
                assert!(matches!(both, Err(Refusal::Host(_))), "{host}");
            }
        }
        assert_eq!(admit(&plain, "/", &[]), Ok(()));
        let twice = admit(
            &plain,
            "/",
            &[("host", "localhost"), ("host", "evil.example")],
        );
        assert!(matches!(twice, Err(Refusal::Host(_))));
    }

    #[test]
    fn configured_hosts_pass() {
        let named = door(&["LCLQ", "*.queues.test"], &[]);
        for host in [
            "lclq",
            "lclq:8085",
            "Lclq.",
            "a.queues.test",
            "a.b.queues.test:1",
        ] {
            assert_eq!(admit(&named, "/", &[("host", host)]), Ok(()), "{host}");
            // And again, when it is remembered.
            assert_eq!(admit(&named, "/", &[("host", host)]), Ok(()), "{host}");
        }
        for host in [
            "queues.test",
            ".queues.test",
            "evilqueues.test",
            "lclq.evil.example",
        ] {
            let refusal = admit(&named, "/", &[("host", host)]);
            assert!(matches!(refusal, Err(Refusal::Host(_))), "{host}");
        }
        let any = door(&["*"], &[]);
        assert_eq!(admit(&any, "/", &[("host", "any.thing")]), Ok(()));
    }

    #[test]
    fn callers_that_are_exchanged_count_from_the_next_request_on() {
        let shared = SharedCallers::from(callers(&["old"], &[]));
        let door = Door::new(&shared);
        assert_eq!(admit(&door, "/", &[("host", "old")]), Ok(()));
        shared.set(callers(&["new"], &["https://app.example"]));
        // Though it was remembered.
        assert!(admit(&door, "/", &[("host", "old")]).is_err());
        assert_eq!(admit(&door, "/", &[("host", "new")]), Ok(()));
        let page = [("origin", "https://app.example")];
        assert_eq!(admit(&door, "/", &page), Ok(()));
        shared.set(callers(&["*"], &[]));
        assert_eq!(admit(&door, "/", &[("host", "any.thing")]), Ok(()));
        assert!(admit(&door, "/", &page).is_err());
    }

    #[test]
    fn pages_of_this_machine_and_configured_ones_pass() {
        let named = door(&[], &["https://App.example:8443/"]);
        for origin in [
            "http://localhost:3000",
            "https://app.localhost",
            "http://127.0.0.1:8080",
            "http://[::1]:3000",
            "https://app.example:8443",
        ] {
            for site in ["same-site", "cross-site", "same-origin"] {
                let headers = [("origin", origin), ("sec-fetch-site", site)];
                assert_eq!(admit(&named, "/", &headers), Ok(()), "{origin}");
            }
        }
        for origin in [
            "https://evil.example",
            "https://app.example",
            "http://app.example:8443",
            "http://192.168.1.7:3000",
            "http://localhost.evil.example",
            "file://localhost",
            "null",
            "",
        ] {
            let refusal = admit(&named, "/", &[("origin", origin)]);
            assert!(matches!(refusal, Err(Refusal::Origin(_))), "{origin}");
        }
        let any = door(&[], &["*"]);
        let headers = [
            ("origin", "https://evil.example"),
            ("sec-fetch-site", "cross-site"),
        ];
        assert_eq!(admit(&any, "/", &headers), Ok(()));
    }

    #[test]
    fn what_a_browser_marks_as_another_sites_needs_an_origin() {
        let plain = door(&[], &[]);
        for site in ["cross-site", "same-site", "nonsense"] {
            let refusal = admit(&plain, "/?Action=PurgeQueue", &[("sec-fetch-site", site)]);
            assert_eq!(refusal, Err(Refusal::CrossSite), "{site}");
        }
        for site in ["none", "same-origin"] {
            assert_eq!(admit(&plain, "/", &[("sec-fetch-site", site)]), Ok(()));
        }
    }

    #[test]
    fn a_refusal_says_what_to_set_and_repeats_little() {
        let plain = door(&[], &[]);
        let refusal = admit(&plain, "/", &[("host", "lclq:9324")]).unwrap_err();
        let text = refusal.to_string();
        assert!(text.contains("--allow-host lclq "), "{text}");
        assert!(text.contains("LCLQ_ALLOW_HOST=lclq"), "{text}");
        assert!(text.contains("--allow-host '*'"), "{text}");
        let long = "x".repeat(60_000);
        let text = admit(&plain, "/", &[("host", &long)])
            .unwrap_err()
            .to_string();
        assert!(text.len() < 800, "{}", text.len());
        let text = admit(&plain, "/", &[("origin", "http://a\u{e9}b")]);
        assert!(text.unwrap_err().to_string().is_ascii());
    }

    #[test]
    fn flags_are_checked() {
        for host in ["lclq", "*", "*.test", "a_b.c-d"] {
            assert!(parse_host(host).is_ok(), "{host}");
        }
        for host in ["", "http://lclq", "lclq:80", "*.", "a b", "a*b"] {
            assert!(parse_host(host).is_err(), "{host}");
        }
        for origin in [
            "https://a",
            "http://a:1",
            "*",
            "null",
            "chrome-extension://abc",
        ] {
            assert!(parse_origin(origin).is_ok(), "{origin}");
        }
        for origin in ["", "a", "://a", "http://", "http://a/path", "http://u@a"] {
            assert!(parse_origin(origin).is_err(), "{origin}");
        }
    }
}
