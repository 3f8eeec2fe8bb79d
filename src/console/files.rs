//! The files that `build.rs` has packed.

use std::borrow::Cow;

/// A file of the console.
pub struct File {
    /// Within `console/`.
    pub path: &'static str,
    pub media_type: &'static str,
    /// With its quotes.
    pub etag: &'static str,
    pub plain: &'static [u8],
    pub gzip: &'static [u8],
}

include!(concat!(env!("OUT_DIR"), "/console.rs"));

pub fn find(path: &str) -> Option<&'static File> {
    FILES.iter().find(|file| file.path == path)
}

/// A folder that files are read from at each request in their place, while somebody works on them.
/// Programs that are released have no such way in.
#[cfg(debug_assertions)]
const FOLDER_VARIABLE: &str = "LCLQ_CONSOLE_FOLDER";

/// What a file has now, and whether that may change.
pub fn content(file: &'static File) -> (Cow<'static, [u8]>, bool) {
    #[cfg(debug_assertions)]
    if let Some(folder) = std::env::var_os(FOLDER_VARIABLE)
        && let Ok(bytes) = std::fs::read(std::path::Path::new(&folder).join(file.path))
    {
        let bytes = match file.path {
            "index.html" => String::from_utf8_lossy(&bytes)
                .replace("{{version}}", VERSION)
                .into_bytes(),
            _ => bytes,
        };
        return (Cow::Owned(bytes), true);
    }
    (Cow::Borrowed(file.plain), false)
}
