//! Statuses are chosen by the modules for errors and nowhere else.

use crate::source_scan::{makes, wrong_lines};

#[test]
fn statuses_are_made_by_the_modules_for_errors_only() {
    let may = ["grpc/error.rs", "grpc/status.rs", "pubsub/error"];
    let found = wrong_lines("", &may, |line| {
        line.contains("Status::new(") || makes(line, "Status") || makes(line, "PubsubError")
    });
    assert!(found.is_empty(), "{}", found.join("\n"));
}
