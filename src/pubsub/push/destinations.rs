//! Where push may go. What counts is the address that is connected to, so names are looked at once they
//! are resolved. Without being told otherwise it keeps away from link-local addresses and the like, at
//! which clouds serve their machines' credentials.

use http::Uri;
use hyper_util::client::legacy::connect::dns::{GaiAddrs, GaiFuture, GaiResolver, Name};
use ipnet::IpNet;
use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::str::FromStr;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// Why an address of a machine's own credentials isn't connected to.
const LINK_LOCAL: &str =
    "link-local addresses and those of clouds' metadata need --push-allow-link-local";
const DENIED: &str = "--push-deny keeps push away from there";
const NOT_ALLOWED: &str = "it is nowhere that --push-allow lets push go";

/// Addresses beyond the link at which clouds serve metadata: AWS' by IPv6, and Alibaba's.
const METADATA: [IpAddr; 2] = [
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
];

/// Some hosts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Hosts {
    /// Those of a network, or one address.
    Network(IpNet),
    /// The one of that name, in lower case.
    Name(String),
    /// All whose names end so: `.example.com`.
    Below(String),
}

impl FromStr for Hosts {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self::Network(address.into()));
        }
        if let Ok(network) = text.parse::<IpNet>() {
            return Ok(Self::Network(network.trunc()));
        }
        let is_name = |name: &str| {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
            (1..=253).contains(&name.len()) && name.bytes().all(plain)
        };
        let lower = text.trim_end_matches('.').to_ascii_lowercase();
        match lower.strip_prefix('*') {
            Some(below) if below.starts_with('.') && is_name(below) => {
                Ok(Self::Below(below.to_owned()))
            }
            None if is_name(&lower) => Ok(Self::Name(lower)),
            _ => Err("a host's name, *.name for all below one, an address, or a network such as 10.0.0.0/8".to_owned()),
        }
    }
}

impl fmt::Display for Hosts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network(network) => write!(f, "{network}"),
            Self::Name(name) => f.write_str(name),
            Self::Below(below) => write!(f, "*{below}"),
        }
    }
}

impl Hosts {
    fn has_name(&self, name: &str) -> bool {
        match self {
            Self::Network(_) => false,
            Self::Name(one) => one == name,
            Self::Below(below) => name.ends_with(below),
        }
    }

    fn has_address(&self, address: IpAddr) -> bool {
        let Self::Network(network) = self else {
            return false;
        };
        let within = match address {
            IpAddr::V6(address) => embedded(address).map(IpAddr::V4),
            IpAddr::V4(_) => None,
        };
        network.contains(&address) || within.is_some_and(|address| network.contains(&address))
    }
}

/// Where push may go.
#[derive(Clone, Debug, Default)]
pub struct Destinations {
    /// Only there; without any, everywhere.
    pub allow: Vec<Hosts>,
    /// Not there, whatever is allowed.
    pub deny: Vec<Hosts>,
    /// To link-local addresses and clouds' metadata, too.
    pub allow_link_local: bool,
}

impl Destinations {
    /// Checks an endpoint as it stands: the name that it has, or the address, which is never resolved.
    ///
    /// # Errors
    /// Why push may not go there.
    pub fn check(&self, uri: &Uri) -> Result<(), String> {
        let host = uri.host().unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        match host.parse::<IpAddr>() {
            Ok(address) => self.check_address(host, address).map_err(str::to_owned),
            Err(_) if self.deny.iter().any(|hosts| hosts.has_name(&plain(host))) => {
                Err(DENIED.to_owned())
            }
            // Whether its addresses are allowed shows when they are known.
            Err(_) => Ok(()),
        }
    }

    fn check_address(&self, name: &str, address: IpAddr) -> Result<(), &'static str> {
        if self.deny.iter().any(|hosts| hosts.has_address(address)) {
            return Err(DENIED);
        }
        if !self.allow_link_local && is_of_the_machine(address) {
            return Err(LINK_LOCAL);
        }
        let name = plain(name);
        let is_allowed = |hosts: &Hosts| hosts.has_name(&name) || hosts.has_address(address);
        if !self.allow.is_empty() && !self.allow.iter().any(is_allowed) {
            return Err(NOT_ALLOWED);
        }
        Ok(())
    }

    /// Those of the addresses of a name that push may go to.
    fn of_name(
        &self,
        name: &str,
        found: impl Iterator<Item = SocketAddr>,
    ) -> io::Result<Vec<SocketAddr>> {
        let mut refused = None;
        let mut allowed = Vec::new();
        for address in found {
            match self.check_address(name, address.ip()) {
                Ok(()) => allowed.push(address),
                Err(why) => refused = Some(why),
            }
        }
        match refused {
            Some(why) if allowed.is_empty() => {
                Err(io::Error::new(io::ErrorKind::PermissionDenied, why))
            }
            _ => Ok(allowed),
        }
    }
}

/// A name as it is compared.
fn plain(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

/// Whether it is an address at which a machine gets its own credentials, in whatever form.
fn is_of_the_machine(address: IpAddr) -> bool {
    let within = match address {
        IpAddr::V6(address) => embedded(address).map(IpAddr::V4),
        IpAddr::V4(_) => None,
    };
    let is_metadata = |address| METADATA.contains(&address);
    is_link_local(address) || is_metadata(address) || within.is_some_and(is_metadata)
}

/// Whether it is an address of the link only, in whatever form it may reach one.
fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => {
            let within = embedded(address).is_some_and(|address| address.is_link_local());
            address.is_unicast_link_local() || within
        }
    }
}

/// The IPv4 address that an IPv6 address leads to: mapped, compatible, or translated (RFC 6052).
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let translated = address.segments()[..6] == [0x64, 0xff9b, 0, 0, 0, 0];
    if translated {
        let [.., a, b, c, d] = address.octets();
        return Some(Ipv4Addr::new(a, b, c, d));
    }
    address.to_ipv4()
}

/// Resolves names as the system does, and leaves out where push may not go.
#[derive(Clone)]
pub(super) struct Resolver {
    system: GaiResolver,
    destinations: Arc<Destinations>,
}

impl Resolver {
    pub(super) fn new(destinations: Arc<Destinations>) -> Self {
        Self {
            system: GaiResolver::new(),
            destinations,
        }
    }
}

impl tower_service::Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Resolving;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        tower_service::Service::poll_ready(&mut self.system, cx)
    }

    fn call(&mut self, name: Name) -> Resolving {
        Resolving {
            name: name.as_str().to_owned(),
            system: tower_service::Service::call(&mut self.system, name),
            destinations: self.destinations.clone(),
        }
    }
}

/// A look-up under way.
pub(super) struct Resolving {
    name: String,
    system: GaiFuture,
    destinations: Arc<Destinations>,
}

impl Future for Resolving {
    type Output = io::Result<std::vec::IntoIter<SocketAddr>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let found: GaiAddrs = ready!(Pin::new(&mut self.system).poll(cx))?;
        let allowed = self.destinations.of_name(&self.name, found);
        Poll::Ready(allowed.map(Vec::into_iter))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn link_local_in_every_form() {
        for address in [
            "169.254.0.1",
            "169.254.169.254",
            "fe80::1",
            "febf::1",
            "::ffff:169.254.169.254",
            "::169.254.169.254",
            "64:ff9b::a9fe:a9fe",
        ] {
            assert!(is_link_local(address.parse().unwrap()), "{address}");
        }
        for address in [
            "127.0.0.1",
            "169.253.255.255",
            "169.255.0.0",
            "10.0.0.1",
            "::1",
            "::ffff:127.0.0.1",
            "fec0::1",
            "fd00::1",
            "64:ff9b::7f00:1",
        ] {
            assert!(!is_link_local(address.parse().unwrap()), "{address}");
        }
    }

    fn destinations(allow: &[&str], deny: &[&str]) -> Destinations {
        let hosts = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
        Destinations {
            allow: hosts(allow),
            deny: hosts(deny),
            allow_link_local: false,
        }
    }

    #[test]
    fn addresses_in_endpoints() {
        let by_default = Destinations::default();
        for endpoint in [
            "http://169.254.169.254/latest",
            "https://[fe80::1]:80/",
            "http://[::ffff:a9fe:a9fe]/",
            "http://[fd00:ec2::254]/",
            "http://100.100.100.200/",
            "http://[::ffff:100.100.100.200]/",
        ] {
            let refused = by_default.check(&endpoint.parse().unwrap());
            assert!(refused.unwrap_err().contains("--push-allow-link-local"));
        }
        for endpoint in ["http://127.0.0.1:1/", "http://[::1]/", "http://a.b/"] {
            assert_eq!(by_default.check(&endpoint.parse().unwrap()), Ok(()));
        }
    }

    #[test]
    fn what_names_resolve_to() {
        let local: SocketAddr = "127.0.0.1:80".parse().unwrap();
        let link: SocketAddr = "169.254.169.254:80".parse().unwrap();
        let names = |allow_link_local| {
            let destinations = Destinations {
                allow_link_local,
                ..Destinations::default()
            };
            destinations
                .of_name("a.b", [link, local].into_iter())
                .unwrap()
        };
        assert_eq!(names(false), [local]);
        assert_eq!(names(true), [link, local]);
        let by_default = Destinations::default();
        assert!(by_default.of_name("a.b", [link].into_iter()).is_err());
        assert!(
            by_default
                .of_name("a.b", [].into_iter())
                .unwrap()
                .is_empty()
        );
    }

    #[test]
    fn lists_of_hosts_by_name_and_by_address() {
        let lists = destinations(
            &["*.internal", "10.0.0.0/8"],
            &["10.9.0.0/16", "bad.internal"],
        );
        let check = |endpoint: &str| lists.check(&endpoint.parse().unwrap());
        assert_eq!(check("http://10.1.2.3/"), Ok(()));
        assert_eq!(check("http://[::ffff:10.1.2.3]/"), Ok(()));
        assert!(
            check("http://10.9.2.3/")
                .unwrap_err()
                .contains("--push-deny")
        );
        assert!(
            check("http://192.0.2.1/")
                .unwrap_err()
                .contains("--push-allow")
        );
        assert!(
            check("http://BAD.internal./")
                .unwrap_err()
                .contains("--push-deny")
        );
        let to = |name: &str, address: &str| {
            let address: SocketAddr = address.parse().unwrap();
            lists.of_name(name, [address].into_iter()).is_ok()
        };
        assert!(to("a.Internal", "192.0.2.1:80"));
        assert!(!to("a.internal", "10.9.0.1:80"));
        assert!(to("elsewhere", "10.0.0.1:80"));
        assert!(!to("elsewhere", "192.0.2.1:80"));
        assert!(!to("internal", "192.0.2.1:80"));
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for text in ["", "*", "a b", "*.", "10.0.0.0/33", "http://a"] {
            assert!(text.parse::<Hosts>().is_err(), "{text}");
        }
        for text in ["a.b", "*.a.b", "10.0.0.0/8", "fd00::/8", "::1/128"] {
            assert_eq!(text.parse::<Hosts>().unwrap().to_string(), text);
        }
    }
}
