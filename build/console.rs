//! The console's files, compressed and in a table, so that the binary has all of them.

use flate2::Compression;
use flate2::write::GzEncoder;
use std::collections::hash_map::DefaultHasher;
use std::fmt::Write as _;
use std::hash::Hasher;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// What the page has in place of the version of all files. It stands in their paths, so that a browser
/// may keep them for good and still sees those of another build.
const VERSION: &str = "{{version}}";

struct File {
    /// Within the folder, with `/`.
    path: String,
    media_type: &'static str,
    bytes: Vec<u8>,
}

/// Writes the table for `src/console/files.rs`.
///
/// # Errors
/// A file can't be read or written, or is of a kind that nothing is known about.
pub fn write(root: &Path, out: &Path) -> io::Result<()> {
    let mut files = Vec::new();
    collect(root, root, &mut files)?;
    files.sort_by(|one, other| one.path.cmp(&other.path));
    let mut all = DefaultHasher::new();
    for file in &files {
        all.write(file.path.as_bytes());
        all.write(&file.bytes);
    }
    let version = format!("{:016x}", all.finish());
    let folder = out.join("console");
    std::fs::create_dir_all(&folder)?;
    let mut table =
        format!("pub const VERSION: &str = {version:?};\npub static FILES: &[File] = &[\n");
    for (number, file) in files.into_iter().enumerate() {
        let bytes = match file.path.as_str() {
            "index.html" => text(file.bytes)?.replace(VERSION, &version).into_bytes(),
            _ => file.bytes,
        };
        let mut own = DefaultHasher::new();
        own.write(&bytes);
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&bytes)?;
        let plain = folder.join(number.to_string());
        let gzip = folder.join(format!("{number}.gz"));
        std::fs::write(&plain, &bytes)?;
        std::fs::write(&gzip, encoder.finish()?)?;
        let _ = writeln!(
            table,
            "File {{ path: {:?}, media_type: {:?}, etag: \"\\\"{:016x}\\\"\", plain: include_bytes!({:?}), \
             gzip: include_bytes!({:?}) }},",
            file.path,
            file.media_type,
            own.finish(),
            plain,
            gzip,
        );
    }
    table.push_str("];\n");
    std::fs::write(out.join("console.rs"), table)
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<File>) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path: PathBuf = entry?.path();
        if path.is_dir() {
            collect(root, &path, files)?;
            continue;
        }
        let extension = path.extension().and_then(|extension| extension.to_str());
        let media_type = match extension {
            Some("html") => "text/html; charset=utf-8",
            Some("js") => "text/javascript; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            Some("svg") => "image/svg+xml",
            // Settings of editors and of the type checker.
            Some("json" | "ts") => continue,
            _ => return Err(io::Error::other(format!("what is {}?", path.display()))),
        };
        let within = path.strip_prefix(root).map_err(io::Error::other)?;
        let parts: Vec<_> = within.iter().map(|part| part.to_string_lossy()).collect();
        files.push(File {
            path: parts.join("/"),
            media_type,
            bytes: std::fs::read(&path)?,
        });
    }
    Ok(())
}

fn text(bytes: Vec<u8>) -> io::Result<String> {
    String::from_utf8(bytes).map_err(io::Error::other)
}
