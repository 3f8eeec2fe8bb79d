//! Settings with their defaults, and where each stands in the file.

use super::given::{
    AdminAuthArg, AuthArg, DurabilityArg, EvictionArg, LogFormat, ServiceArg, TlsArg,
};
use crate::otlp::OtlpProtocol;
use crate::runtime::RuntimeChoice;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

/// What all layers amount to. The one place where defaults stand.
#[derive(Serialize, Deserialize, Clone, Debug)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Settings {
    pub bind: IpAddr,
    pub sqs_port: u16,
    pub pubsub_port: u16,
    pub pubsub_rest_port: u16,
    pub pubsub_project: String,
    pub pubsub_regions: Vec<String>,
    pub pubsub_region_latency: Vec<String>,
    pub admin_port: Option<u16>,
    pub metrics_port: Option<u16>,
    pub metrics_series_max: u16,
    pub allow_host: Vec<String>,
    pub allow_origin: Vec<String>,
    pub sqs_allow_host: Vec<String>,
    pub sqs_allow_origin: Vec<String>,
    pub pubsub_allow_host: Vec<String>,
    pub pubsub_allow_origin: Vec<String>,
    pub admin_allow_host: Vec<String>,
    pub admin_allow_origin: Vec<String>,
    pub tls: Option<TlsArg>,
    pub tls_cert: Option<PathBuf>,
    pub tls_key: Option<PathBuf>,
    pub tls_dir: Option<PathBuf>,
    pub tls_name: Vec<String>,
    pub tls_client_ca: Option<PathBuf>,
    pub tls_only: bool,
    pub services: Vec<ServiceArg>,
    pub data_dir: Option<PathBuf>,
    pub store: Option<String>,
    pub store_grace_ms: u64,
    pub cluster: bool,
    pub node_address: IpAddr,
    pub node_port: u16,
    pub durability: DurabilityArg,
    pub runtime: RuntimeChoice,
    pub cores: Option<u16>,
    pub shards: Option<u16>,
    pub memory_bytes_max: Option<u64>,
    pub request_memory_bytes_max: u64,
    pub eviction: EvictionArg,
    pub region: String,
    pub account: String,
    pub sqs_enforce_purge_interval: bool,
    pub sqs_enforce_recreate_interval: bool,
    pub sqs_auth: AuthArg,
    pub pubsub_auth: AuthArg,
    pub admin_auth: AdminAuthArg,
    pub credentials: Option<PathBuf>,
    pub limit_requests: Option<u64>,
    pub limit_requests_per_address: Option<u64>,
    pub limit_requests_per_key: Option<u64>,
    pub limit_bytes: Option<u64>,
    pub limit_bytes_per_address: Option<u64>,
    pub limit_bytes_per_key: Option<u64>,
    pub limit_waiting_per_address: Option<u64>,
    pub limit_waiting_per_key: Option<u64>,
    pub limit_connections_per_address: Option<u64>,
    pub limit_queues_per_account: Option<u64>,
    pub limit_memory_per_account: Option<u64>,
    pub oidc_issuer: Vec<String>,
    pub oidc_audience: Vec<String>,
    pub push_ca_file: Option<PathBuf>,
    pub push_accept_any_certificate: bool,
    pub push_allow: Vec<String>,
    pub push_deny: Vec<String>,
    pub push_allow_link_local: bool,
    pub push_token_issuer: String,
    pub cloud_storage_dir: Option<PathBuf>,
    pub cloud_storage_endpoint: Option<String>,
    pub connections_max: usize,
    pub shutdown_ms_max: u64,
    pub test_controls: bool,
    pub production_profile: Option<u64>,
    pub log_format: LogFormat,
    pub log: String,
    pub access_log: Option<PathBuf>,
    pub audit_log: Option<PathBuf>,
    pub journey_events: u32,
    pub otlp_endpoint: Option<String>,
    pub otlp_protocol: OtlpProtocol,
    pub otlp_sample: f64,
    pub otlp_metrics_ms: u64,
    pub apply_changes: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            bind: Ipv4Addr::LOCALHOST.into(),
            sqs_port: 9324,
            pubsub_port: 8085,
            pubsub_rest_port: 8086,
            pubsub_project: "local".to_owned(),
            pubsub_regions: Vec::new(),
            pubsub_region_latency: Vec::new(),
            admin_port: None,
            metrics_port: None,
            metrics_series_max: 1000,
            allow_host: Vec::new(),
            allow_origin: Vec::new(),
            sqs_allow_host: Vec::new(),
            sqs_allow_origin: Vec::new(),
            pubsub_allow_host: Vec::new(),
            pubsub_allow_origin: Vec::new(),
            admin_allow_host: Vec::new(),
            admin_allow_origin: Vec::new(),
            tls: None,
            tls_cert: None,
            tls_key: None,
            tls_dir: None,
            tls_name: Vec::new(),
            tls_client_ca: None,
            tls_only: false,
            services: vec![ServiceArg::Sqs, ServiceArg::Pubsub, ServiceArg::Admin],
            data_dir: None,
            store: None,
            store_grace_ms: 5_000,
            cluster: false,
            node_address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            node_port: 9330,
            durability: DurabilityArg::default(),
            runtime: RuntimeChoice::default(),
            cores: None,
            shards: None,
            memory_bytes_max: None,
            request_memory_bytes_max: crate::http::BODIES_BYTES_DEFAULT,
            eviction: EvictionArg::default(),
            region: "us-east-1".to_owned(),
            account: "000000000000".to_owned(),
            sqs_enforce_purge_interval: false,
            sqs_enforce_recreate_interval: false,
            sqs_auth: AuthArg::default(),
            pubsub_auth: AuthArg::default(),
            admin_auth: AdminAuthArg::default(),
            credentials: None,
            limit_requests: None,
            limit_requests_per_address: None,
            limit_requests_per_key: None,
            limit_bytes: None,
            limit_bytes_per_address: None,
            limit_bytes_per_key: None,
            limit_waiting_per_address: None,
            limit_waiting_per_key: None,
            limit_connections_per_address: None,
            limit_queues_per_account: None,
            limit_memory_per_account: None,
            oidc_issuer: Vec::new(),
            oidc_audience: Vec::new(),
            push_ca_file: None,
            push_accept_any_certificate: false,
            push_allow: Vec::new(),
            push_deny: Vec::new(),
            push_allow_link_local: false,
            push_token_issuer: crate::pubsub::push::ISSUER_DEFAULT.to_owned(),
            cloud_storage_dir: None,
            cloud_storage_endpoint: None,
            connections_max: 50_000,
            shutdown_ms_max: 10_000,
            test_controls: false,
            production_profile: None,
            log_format: LogFormat::default(),
            log: "info".to_owned(),
            access_log: None,
            audit_log: None,
            journey_events: 0,
            otlp_endpoint: None,
            otlp_protocol: OtlpProtocol::default(),
            otlp_sample: 0.0,
            otlp_metrics_ms: 60_000,
            apply_changes: false,
        }
    }
}

impl Settings {
    /// Its values by key, null for those that have none.
    pub fn values(&self) -> Map<String, Value> {
        match serde_json::to_value(self) {
            Ok(Value::Object(values)) => values,
            _ => Map::new(),
        }
    }
}

/// Tables of the file: the keys in them, each with the flag that says the same.
pub const TABLES: &[(&str, &[(&str, &str)])] = &[
    (
        "server",
        &[
            ("bind", "bind"),
            ("services", "services"),
            ("allow-host", "allow-host"),
            ("allow-origin", "allow-origin"),
            ("runtime", "runtime"),
            ("cores", "cores"),
            ("connections-max", "connections-max"),
            ("shutdown-ms-max", "shutdown-ms-max"),
            ("apply-changes", "apply-changes"),
            ("credentials", "credentials"),
        ],
    ),
    (
        "tls",
        &[
            ("certificate", "tls"),
            ("cert", "tls-cert"),
            ("key", "tls-key"),
            ("dir", "tls-dir"),
            ("name", "tls-name"),
            ("client-ca", "tls-client-ca"),
            ("only", "tls-only"),
        ],
    ),
    (
        "sqs",
        &[
            ("port", "sqs-port"),
            ("region", "region"),
            ("account", "account"),
            ("enforce-purge-interval", "sqs-enforce-purge-interval"),
            ("enforce-recreate-interval", "sqs-enforce-recreate-interval"),
            ("auth", "sqs-auth"),
            ("allow-host", "sqs-allow-host"),
            ("allow-origin", "sqs-allow-origin"),
        ],
    ),
    (
        "pubsub",
        &[
            ("port", "pubsub-port"),
            ("rest-port", "pubsub-rest-port"),
            ("project", "pubsub-project"),
            ("regions", "pubsub-regions"),
            ("region-latency", "pubsub-region-latency"),
            ("auth", "pubsub-auth"),
            ("allow-host", "pubsub-allow-host"),
            ("allow-origin", "pubsub-allow-origin"),
        ],
    ),
    (
        "oidc",
        &[("issuer", "oidc-issuer"), ("audience", "oidc-audience")],
    ),
    (
        "admin",
        &[
            ("port", "admin-port"),
            ("auth", "admin-auth"),
            ("allow-host", "admin-allow-host"),
            ("allow-origin", "admin-allow-origin"),
            ("metrics-port", "metrics-port"),
            ("metrics-series-max", "metrics-series-max"),
            ("test-controls", "test-controls"),
            ("production-profile", "production-profile"),
        ],
    ),
    (
        "storage",
        &[
            ("data-dir", "data-dir"),
            ("store", "store"),
            ("store-grace-ms", "store-grace-ms"),
            ("durability", "durability"),
            ("shards", "shards"),
        ],
    ),
    (
        "cluster",
        &[
            ("enabled", "cluster"),
            ("address", "node-address"),
            ("port", "node-port"),
        ],
    ),
    (
        "memory",
        &[
            ("bytes-max", "memory-bytes-max"),
            ("request-bytes-max", "request-memory-bytes-max"),
            ("eviction", "eviction"),
        ],
    ),
    (
        "limits",
        &[
            ("requests", "limit-requests"),
            ("requests-per-address", "limit-requests-per-address"),
            ("requests-per-key", "limit-requests-per-key"),
            ("bytes", "limit-bytes"),
            ("bytes-per-address", "limit-bytes-per-address"),
            ("bytes-per-key", "limit-bytes-per-key"),
            ("waiting-per-address", "limit-waiting-per-address"),
            ("waiting-per-key", "limit-waiting-per-key"),
            ("connections-per-address", "limit-connections-per-address"),
            ("queues-per-account", "limit-queues-per-account"),
            ("memory-per-account", "limit-memory-per-account"),
        ],
    ),
    (
        "push",
        &[
            ("ca-file", "push-ca-file"),
            ("accept-any-certificate", "push-accept-any-certificate"),
            ("allow", "push-allow"),
            ("deny", "push-deny"),
            ("allow-link-local", "push-allow-link-local"),
            ("token-issuer", "push-token-issuer"),
        ],
    ),
    (
        "cloud-storage",
        &[
            ("dir", "cloud-storage-dir"),
            ("endpoint", "cloud-storage-endpoint"),
        ],
    ),
    (
        "log",
        &[
            ("format", "log-format"),
            ("filter", "log"),
            ("access-file", "access-log"),
            ("audit-file", "audit-log"),
            ("journey-events", "journey-events"),
        ],
    ),
    (
        "otlp",
        &[
            ("endpoint", "otlp-endpoint"),
            ("protocol", "otlp-protocol"),
            ("sample", "otlp-sample"),
            ("metrics-ms", "otlp-metrics-ms"),
        ],
    ),
];

/// Keys of which at most one may be given; the higher layer's counts.
pub const EXCLUDING: &[(&str, &str)] = &[
    ("cloud-storage-dir", "cloud-storage-endpoint"),
    ("data-dir", "store"),
];

/// Where a key stands in the file: `sqs.port`.
pub fn place(key: &str) -> String {
    for (table, keys) in TABLES {
        if let Some((name, _)) = keys.iter().find(|(_, flag)| *flag == key) {
            return format!("{table}.{name}");
        }
    }
    key.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::given::Given;
    use std::collections::BTreeSet;

    #[test]
    fn every_key_has_one_place_in_the_file_and_one_default() {
        let listed = TABLES.iter().flat_map(|(_, keys)| *keys);
        let listed: Vec<&str> = listed.map(|(_, flag)| *flag).collect();
        let once: BTreeSet<&str> = listed.iter().copied().collect();
        assert_eq!(listed.len(), once.len());
        let given = serde_json::to_value(Given::default()).unwrap();
        let given: BTreeSet<&str> = given
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        assert_eq!(once, given);
        let values = Settings::default().values();
        assert_eq!(once, values.keys().map(String::as_str).collect());
    }
}
