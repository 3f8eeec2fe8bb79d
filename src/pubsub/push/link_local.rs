//! Keeps push away from link-local addresses, at which clouds serve their machines' credentials.
//! What counts is the address that is connected to, so names are looked at once they are resolved.

use http::Uri;
use hyper_util::client::legacy::connect::dns::{GaiAddrs, GaiFuture, GaiResolver, Name};
use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// Why a link-local address isn't connected to.
const REFUSED: &str = "link-local addresses need --push-allow-link-local";

/// Whether it is an address of the link only, in whatever form it may reach one.
pub(super) fn is_link_local(address: IpAddr) -> bool {
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

/// Checks an endpoint whose host is an address as it stands, which is never resolved.
///
/// # Errors
/// If that is link-local.
pub(super) fn check_literal(uri: &Uri) -> Result<(), String> {
    let host = uri.host().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    match host.parse::<IpAddr>() {
        Ok(address) if is_link_local(address) => Err(REFUSED.to_owned()),
        _ => Ok(()),
    }
}

/// Resolves names as the system does, and leaves out link-local addresses unless they are allowed.
#[derive(Clone)]
pub(super) struct Resolver {
    system: GaiResolver,
    allow_link_local: bool,
}

impl Resolver {
    pub(super) fn new(allow_link_local: bool) -> Self {
        Self {
            system: GaiResolver::new(),
            allow_link_local,
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
            system: tower_service::Service::call(&mut self.system, name),
            allow_link_local: self.allow_link_local,
        }
    }
}

/// A look-up under way.
pub(super) struct Resolving {
    system: GaiFuture,
    allow_link_local: bool,
}

impl Future for Resolving {
    type Output = io::Result<std::vec::IntoIter<SocketAddr>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let found: GaiAddrs = ready!(Pin::new(&mut self.system).poll(cx))?;
        Poll::Ready(allowed(found, self.allow_link_local).map(Vec::into_iter))
    }
}

fn allowed(
    found: impl Iterator<Item = SocketAddr>,
    allow_link_local: bool,
) -> io::Result<Vec<SocketAddr>> {
    let found: Vec<SocketAddr> = found.collect();
    let may = |address: &&SocketAddr| allow_link_local || !is_link_local(address.ip());
    let allowed: Vec<SocketAddr> = found.iter().filter(may).copied().collect();
    if allowed.is_empty() && !found.is_empty() {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, REFUSED));
    }
    Ok(allowed)
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

    #[test]
    fn addresses_in_endpoints() {
        for endpoint in [
            "http://169.254.169.254/latest",
            "https://[fe80::1]:80/",
            "http://[::ffff:a9fe:a9fe]/",
        ] {
            let refused = check_literal(&endpoint.parse().unwrap());
            assert!(refused.unwrap_err().contains("--push-allow-link-local"));
        }
        for endpoint in ["http://127.0.0.1:1/", "http://[::1]/", "http://a.b/"] {
            assert_eq!(check_literal(&endpoint.parse().unwrap()), Ok(()));
        }
    }

    #[test]
    fn what_names_resolve_to() {
        let local: SocketAddr = "127.0.0.1:80".parse().unwrap();
        let link: SocketAddr = "169.254.169.254:80".parse().unwrap();
        let names = |allow| {
            let found = [link, local].into_iter();
            allowed(found, allow).unwrap()
        };
        assert_eq!(names(false), [local]);
        assert_eq!(names(true), [link, local]);
        assert!(allowed([link].into_iter(), false).is_err());
        assert!(allowed([].into_iter(), false).unwrap().is_empty());
    }
}
