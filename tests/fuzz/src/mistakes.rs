//! What lclq logs as an error is a mistake of its own: nothing that a client sends may come to one.

use std::fmt::{Debug, Write};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// Says so in the log, too, where an operator asks for what can't be done.
const RELOAD: &str = "lclq::server::reload";

struct Watching;

/// Has an error end the run, as a panic does.
pub fn watch() {
    tracing::subscriber::set_global_default(Watching).expect("nobody else listens");
}

impl Subscriber for Watching {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let target = metadata.target();
        *metadata.level() == Level::ERROR && target.starts_with("lclq") && target != RELOAD
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut text = Text(String::new());
        event.record(&mut text);
        panic!("logged as an error:{}", text.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let _ = write!(self.0, " {}={value:?}", field.name());
    }
}
