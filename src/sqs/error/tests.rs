//! Errors are chosen in this folder and nowhere else.

use std::path::Path;

#[test]
fn errors_are_made_in_this_folder_only() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/sqs");
    let own = folder.join("error");
    let mut found = Vec::new();
    let mut files_read = 0;
    let mut folders = vec![folder];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                if path != own {
                    folders.push(path);
                }
                continue;
            }
            files_read += 1;
            let source = std::fs::read_to_string(&path).unwrap();
            for (at, line) in source.lines().enumerate() {
                // `new` is private to the folder; what is left is the structure itself.
                let makes =
                    line.contains("SqsError {") && !line.trim_end().ends_with("-> SqsError {");
                let worded = line.contains("serialization(\"");
                if makes || worded {
                    found.push(format!("{}:{}: {line}", path.display(), at + 1));
                }
            }
        }
    }
    assert!(files_read > 20, "only {files_read} files were read");
    assert!(found.is_empty(), "{}", found.join("\n"));
}
