//! Looks through this crate's own source for what may stand in some places only.

use std::path::{Path, PathBuf};

/// Lines of program code, not of tests, in the folder `within` of `src/` for which `is_wrong` says so.
/// `except` names files and folders in `src/` that may have them.
///
/// # Panics
/// If the source can't be read, or is much less than there was when this was written.
pub fn wrong_lines(within: &str, except: &[&str], is_wrong: impl Fn(&str) -> bool) -> Vec<String> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let except: Vec<PathBuf> = except.iter().map(|path| src.join(path)).collect();
    for path in &except {
        assert!(path.exists(), "{} is gone", path.display());
    }
    let (mut found, mut files_read) = (Vec::new(), 0);
    let mut folders = vec![src.join(within)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if except.contains(&path) || is_of_tests(&path) {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            files_read += 1;
            let source = std::fs::read_to_string(&path).unwrap();
            let program = source.split("#[cfg(test)]\nmod tests {").next().unwrap();
            let lines = program.lines().enumerate();
            let wrong = lines.filter(|(_, line)| !is_comment(line) && is_wrong(line));
            found.extend(wrong.map(|(at, line)| format!("{}:{}: {line}", path.display(), at + 1)));
        }
    }
    assert!(files_read > 15, "only {files_read} files were read");
    found
}

fn is_of_tests(path: &Path) -> bool {
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    name == "tests" || name.ends_with("_tests") || name == "testing"
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with("//")
}

/// Whether a line makes a structure of that name from its members.
pub fn makes(line: &str, name: &str) -> bool {
    let line = line.trim();
    let Some((before, _)) = line.split_once(&format!("{name} {{")) else {
        return false;
    };
    let is_longer_name = before.ends_with(|last: char| last.is_alphanumeric() || last == '_');
    let is_type = ["-> ", "struct ", "impl ", "for "]
        .iter()
        .any(|word| before.ends_with(word));
    !is_longer_name && !is_type
}

#[test]
fn making_is_told_from_naming() {
    for line in [
        "Err(Error {",
        "return Error { a, b };",
        "let a = x::Error {",
    ] {
        assert!(makes(line, "Error"), "{line}");
    }
    for line in [
        "fn f() -> Error {",
        "pub struct Error {",
        "impl Error {",
        "impl Display for Error {",
        "MyError {",
        "Error::new()",
    ] {
        assert!(!makes(line, "Error"), "{line}");
    }
}
