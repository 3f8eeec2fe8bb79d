//! Looking through a write-ahead log before SQLite does.
//!
//! SQLite takes the log up to the first frame whose checksum doesn't fit: what a crash left half
//! written. A damaged frame in the middle looks the same to it, and it drops every commit behind
//! that without a word. The format: <https://www.sqlite.org/fileformat2.html#the_write_ahead_log>.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

const HEADER_BYTES: usize = 32;
const FRAME_HEADER_BYTES: usize = 24;
/// The least bit says in which byte order the checksums count words.
const MAGIC: u32 = 0x377f_0682;
const PAGE_BYTES_MAX: u32 = 65_536;

/// Commits behind a frame that doesn't fit from which on it is damage. A machine that loses power
/// may leave the last commit, which nobody was promised yet, with its end written and its middle not.
pub(super) const COMMITS_CUT_OFF_DAMAGE: u64 = 2;

/// What a log holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct LogContents {
    /// Commits that SQLite will find.
    pub commits: u64,
    /// Commits of the same generation behind the first frame that doesn't fit.
    pub commits_cut_off: u64,
}

/// Looks through the log at `path`; `None` where there is none, or nothing in it.
pub(super) fn look_through(path: &Path) -> io::Result<Option<LogContents>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut file = BufReader::with_capacity(1 << 16, file);
    let mut header = [0; HEADER_BYTES];
    if !fill(&mut file, &mut header)? {
        return Ok(None);
    }
    let word = |bytes: &[u8], at: usize| {
        u32::from_be_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
    };
    let (magic, page_bytes) = (word(&header, 0), word(&header, 8));
    let big_endian = magic & 1 == 1;
    let mut contents = LogContents::default();
    let mut running = Sums::default();
    running.add(&header[..24], big_endian);
    let header_fits = magic & !1 == MAGIC && running.are(word(&header, 24), word(&header, 28));
    if page_bytes == 0 || page_bytes > PAGE_BYTES_MAX || !header_fits {
        // SQLite takes nothing of such a log. No crash leaves one: a header is one sector.
        contents.commits_cut_off = u64::from(fill(&mut file, &mut [0])?) * COMMITS_CUT_OFF_DAMAGE;
        return Ok(Some(contents));
    }
    let salts = &header[16..24];
    let mut frame = vec![0; FRAME_HEADER_BYTES + page_bytes as usize];
    let mut fits = true;
    while fill(&mut file, &mut frame)? {
        if frame[8..16] != *salts {
            // Of an earlier generation, unless it is what was damaged: what follows will tell.
            fits = false;
            continue;
        }
        running.add(&frame[..8], big_endian);
        running.add(&frame[FRAME_HEADER_BYTES..], big_endian);
        fits = fits && running.are(word(&frame, 16), word(&frame, 20));
        let is_commit = word(&frame, 4) != 0;
        if is_commit && fits {
            contents.commits += 1;
        } else if is_commit {
            contents.commits_cut_off += 1;
        }
    }
    Ok(Some(contents))
}

/// Fills `buffer`; `false` at the end of the file.
fn fill(file: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match file.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

/// The two running checksums of a log.
#[derive(Clone, Copy, Default)]
struct Sums(u32, u32);

impl Sums {
    fn add(&mut self, bytes: &[u8], big_endian: bool) {
        for pair in bytes.chunks_exact(8) {
            let word = |at: usize| {
                let word = pair[at..at + 4].try_into().expect("four bytes");
                if big_endian {
                    u32::from_be_bytes(word)
                } else {
                    u32::from_le_bytes(word)
                }
            };
            self.0 = self.0.wrapping_add(word(0)).wrapping_add(self.1);
            self.1 = self.1.wrapping_add(word(4)).wrapping_add(self.0);
        }
    }

    fn are(self, first: u32, second: u32) -> bool {
        (self.0, self.1) == (first, second)
    }
}
