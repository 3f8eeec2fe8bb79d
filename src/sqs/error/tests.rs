//! Errors are chosen in this folder and nowhere else.

use crate::source_scan::{makes, wrong_lines};

#[test]
fn errors_are_made_in_this_folder_only() {
    // `new` is private to the folder; what is left is the structure itself.
    let found = wrong_lines("sqs", &["sqs/error"], |line| {
        makes(line, "SqsError") || line.contains("serialization(\"")
    });
    assert!(found.is_empty(), "{}", found.join("\n"));
}
