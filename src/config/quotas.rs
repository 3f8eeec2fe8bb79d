//! What the settings about limits amount to.

use super::settings::Settings;
use crate::quotas::{Quotas, Rates, SharedQuotas, Standing};
use std::net::IpAddr;

/// What may be asked for, if that is bounded.
pub(super) fn quotas(settings: &Settings) -> Option<SharedQuotas> {
    let rates = |requests_per_s, bytes_per_s| Rates {
        requests_per_s,
        bytes_per_s,
    };
    SharedQuotas::new(Quotas {
        all: rates(settings.limit_requests, settings.limit_bytes),
        address: rates(
            settings.limit_requests_per_address,
            settings.limit_bytes_per_address,
        ),
        key: rates(
            settings.limit_requests_per_key,
            settings.limit_bytes_per_key,
        ),
        waiting_per_address: settings.limit_waiting_per_address,
        waiting_per_key: settings.limit_waiting_per_key,
    })
}

/// Connections of one address.
pub(super) fn connections(settings: &Settings) -> Option<Standing<IpAddr>> {
    settings.limit_connections_per_address.map(Standing::new)
}
