//! The configuration of a running server: what is in effect, and what a reload changes of it.

use super::Service;
use super::load::{Loaded, Source};
use super::settings::{Settings, place};
use super::text::show_json;
use crate::http::{Callers, SharedCallers};
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Keys whose new values a running server takes. Others wait for its next start.
pub const LIVE: &[&str] = &[
    "log",
    "allow-host",
    "allow-origin",
    "sqs-allow-host",
    "sqs-allow-origin",
    "pubsub-allow-host",
    "pubsub-allow-origin",
    "admin-allow-host",
    "admin-allow-origin",
    "apply-changes",
    "pubsub-project",
];

/// What a server runs with.
#[derive(Debug)]
pub struct Live {
    source: Source,
    sqs: SharedCallers,
    pubsub: SharedCallers,
    admin: SharedCallers,
    current: Mutex<Loaded>,
    is_reloading: AtomicBool,
}

/// Which keys a reload found changed, by their places in the file.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// They have their new values.
    pub applied: Vec<String>,
    /// They have their old ones until the next start.
    pub restart: Vec<String>,
    /// What to log, if that is among the former.
    pub log: Option<String>,
}

impl Live {
    pub(super) fn new(source: Source, loaded: Loaded) -> Self {
        Self {
            sqs: callers(&loaded.settings, Service::Sqs).into(),
            pubsub: callers(&loaded.settings, Service::Pubsub).into(),
            admin: callers(&loaded.settings, Service::Admin).into(),
            source,
            current: Mutex::new(loaded),
            is_reloading: AtomicBool::new(false),
        }
    }

    /// Held for moments, and by nothing that can panic.
    fn current(&self) -> MutexGuard<'_, Loaded> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is in effect.
    pub fn loaded(&self) -> Loaded {
        self.current().clone()
    }

    /// Who may ask a service, as it is in effect.
    pub fn callers(&self, service: Service) -> SharedCallers {
        match service {
            Service::Sqs => self.sqs.clone(),
            Service::Pubsub => self.pubsub.clone(),
            Service::Admin => self.admin.clone(),
        }
    }

    /// The file that is read, if any.
    pub fn file(&self) -> Option<PathBuf> {
        self.source.file().map(Path::to_owned)
    }

    /// What is in effect, for people and programs; secrets are masked.
    pub fn shown(&self) -> Value {
        let file = self.source.file().map(|file| file.display().to_string());
        json!({"file": file, "config": show_json(&self.current())})
    }

    /// Where settings come from.
    pub fn source(&self) -> Source {
        self.source.clone()
    }

    /// What taking `new` would change.
    pub fn would(&self, new: &Loaded) -> Changes {
        changes(&self.current().settings.values(), &new.settings.values())
    }

    /// The right to reload, unless somebody has it.
    pub fn turn(self: &Arc<Self>) -> Option<Turn> {
        let taken = self.is_reloading.swap(true, Ordering::SeqCst);
        (!taken).then(|| Turn(self.clone()))
    }
}

/// The right to reload: one at a time.
pub struct Turn(Arc<Live>);

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.is_reloading.store(false, Ordering::SeqCst);
    }
}

impl Turn {
    /// Where to load from, which may take its time.
    pub fn source(&self) -> Source {
        self.0.source.clone()
    }

    /// What is in effect.
    pub fn loaded(&self) -> Loaded {
        self.0.loaded()
    }

    /// Takes of what was loaded anew what a running server can.
    pub fn take(&self, new: Loaded) -> Changes {
        let mut current = self.0.current();
        let (mut has, wants) = (current.settings.values(), new.settings.values());
        let mut changes = changes(&has, &wants);
        for key in LIVE {
            if let Some(value) = wants.get(*key) {
                has.insert((*key).to_owned(), value.clone());
            }
            match new.merged.get(*key) {
                Some(entry) => drop(current.merged.insert((*key).to_owned(), entry.clone())),
                None => drop(current.merged.remove(*key)),
            }
        }
        let log_before = std::mem::take(&mut current.settings.log);
        // Both were settings before, so their mixture can be read.
        if let Ok(settings) = serde_json::from_value(Value::Object(has)) {
            current.settings = settings;
        }
        changes.log = (current.settings.log != log_before).then(|| current.settings.log.clone());
        current.declared = new.declared;
        for service in [Service::Sqs, Service::Pubsub, Service::Admin] {
            let callers = callers(&current.settings, service);
            self.0.callers(service).set(callers);
        }
        changes
    }
}

/// Which keys differ.
fn changes(has: &Map<String, Value>, wants: &Map<String, Value>) -> Changes {
    let mut changes = Changes::default();
    for (key, value) in wants {
        if has.get(key) == Some(value) {
            continue;
        }
        if LIVE.contains(&key.as_str()) {
            changes.applied.push(place(key));
        } else {
            changes.restart.push(place(key));
        }
    }
    changes
}

/// Who may ask a service. The schema has let pass only what these can read.
fn callers(settings: &Settings, service: Service) -> Callers {
    let (hosts, origins) = match service {
        Service::Sqs => (&settings.sqs_allow_host, &settings.sqs_allow_origin),
        Service::Pubsub => (&settings.pubsub_allow_host, &settings.pubsub_allow_origin),
        Service::Admin => (&settings.admin_allow_host, &settings.admin_allow_origin),
    };
    let hosts = settings.allow_host.iter().chain(hosts);
    let origins = settings.allow_origin.iter().chain(origins);
    Callers {
        hosts: hosts
            .filter_map(|host| crate::http::parse_host(host).ok())
            .collect(),
        origins: origins
            .filter_map(|origin| crate::http::parse_origin(origin).ok())
            .collect(),
    }
}
