//! Addresses and the networks that they are in, in CIDR form.

use std::net::IpAddr;

/// A network, or one address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Network {
    address: IpAddr,
    bits: u32,
}

impl Network {
    /// Reads `192.0.2.0/24`, `2001:db8::/32`, or an address alone.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            None => most,
            Some(bits) if bits.bytes().all(|byte| byte.is_ascii_digit()) => bits.parse().ok()?,
            Some(_) => return None,
        };
        (bits <= most).then_some(Self { address, bits })
    }

    /// Whether an address is in it.
    pub(crate) fn has(&self, address: &str) -> bool {
        // A listener of both families sees 192.0.2.1 as ::ffff:192.0.2.1.
        let address = address
            .parse::<IpAddr>()
            .map(|address| address.to_canonical());
        match (self.address, address) {
            (IpAddr::V4(ours), Ok(IpAddr::V4(theirs))) => same(
                ours.to_bits().into(),
                theirs.to_bits().into(),
                32 - self.bits,
            ),
            (IpAddr::V6(ours), Ok(IpAddr::V6(theirs))) => {
                same(ours.to_bits(), theirs.to_bits(), 128 - self.bits)
            }
            _ => false,
        }
    }
}

/// Whether two are the same but for their last bits, of which there may be 128.
fn same(a: u128, b: u128, last: u32) -> bool {
    (a ^ b).checked_shr(last).unwrap_or(0) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_and_addresses() {
        for (network, address, expected) in [
            ("192.0.2.0/24", "192.0.2.255", true),
            ("192.0.2.0/24", "192.0.3.0", false),
            ("192.0.2.7/24", "192.0.2.1", true),
            ("192.0.2.1", "192.0.2.1", true),
            ("192.0.2.1", "192.0.2.2", false),
            ("0.0.0.0/0", "255.255.255.255", true),
            ("0.0.0.0/0", "::1", false),
            ("192.0.2.0/24", "::ffff:192.0.2.1", true),
            ("2001:db8:1234:5678::/64", "2001:db8:1234:5678:9::1", true),
            ("2001:DB8:1234:5678::/64", "2001:db8:1234:5679::1", false),
            ("::/0", "2001:db8::1", true),
            ("::/0", "192.0.2.1", false),
            ("192.0.2.0/24", "localhost", false),
        ] {
            let network_read = Network::read(network).unwrap();
            assert_eq!(network_read.has(address), expected, "{network} {address}");
        }
        for wrong in [
            "",
            "192.0.2.0/33",
            "192.0.2.0/",
            "192.0.2/24",
            "::/129",
            "a/8",
            "::/+1",
        ] {
            assert_eq!(Network::read(wrong), None, "{wrong}");
        }
    }
}
