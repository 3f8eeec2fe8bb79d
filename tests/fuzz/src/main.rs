//! Throws bytes at lclq's parsers and protocols. `run` builds and runs it; `LCLQ_FUZZ_TARGET` says which of
//! the targets it is, and what else is given is libFuzzer's.

#![no_main]

mod bounds;
mod iam;
mod mistakes;
mod policies;
mod targets;

use libfuzzer_sys::fuzz_target;
use std::sync::OnceLock;
use targets::{TARGETS, Target};

static TARGET: OnceLock<&Target> = OnceLock::new();

/// Chosen before the first input.
fn choose() {
    // A server has scripts run by a process of its own, of this same program.
    if lclq::pubsub::transform::run_if_asked().is_some() {
        std::process::exit(0);
    }
    let name = std::env::var("LCLQ_FUZZ_TARGET").unwrap_or_default();
    let Some(target) = TARGETS.iter().find(|target| target.name == name) else {
        for target in TARGETS {
            println!("{}", target.name);
        }
        std::process::exit(i32::from(!name.is_empty()));
    };
    mistakes::watch();
    let _ = TARGET.set(target);
}

fuzz_target!(init: choose(), |bytes: &[u8]| {
    let target = TARGET.get().expect("it was chosen before");
    bounds::within(target, bytes);
});
