//! Exports, for tests/fuzz.

use super::{Framer, Line, Unframer, to_line};

/// Steps that a file may take to read, and lines that it may have: a few bytes unpack to megabytes.
const STEPS_MAX: usize = 100;
const LINES_MAX: usize = 100_000;

/// Bytes of a piece of a file.
const CUT_BYTES: usize = 100;

/// A line of an export. What is written of it is the same line, and so is what a shard would export.
pub fn line(bytes: &[u8]) {
    let Ok(line) = Line::read(bytes) else {
        return;
    };
    let text = line.text();
    let again = Line::read(&text).expect("a line that was written is read");
    assert_eq!(shown(&again.text()), shown(&text));
    let Ok(Some((shard, piece))) = line.into_piece() else {
        return;
    };
    let exported = to_line(shard, piece).text();
    let read = Line::read(&exported).expect("a line that was exported is read");
    let (shard, piece) = read
        .into_piece()
        .expect("what was taken once is taken again")
        .expect("it is a piece");
    assert_eq!(shown(&to_line(shard, piece).text()), shown(&exported));
}

fn shown(text: &[u8]) -> String {
    String::from_utf8_lossy(text).into_owned()
}

/// What the lines of a file have in all.
#[derive(Default, PartialEq, Debug)]
struct Seen {
    lines: usize,
    bytes: usize,
    checksum: u64,
}

/// The lines of a file that comes in pieces; nothing where it is damaged, or unpacks to very much.
fn seen(file: &[u8], piece_bytes: usize) -> Option<Seen> {
    let mut unframer = Unframer::new().expect("there is memory");
    let (mut seen, mut steps) = (Seen::default(), 0);
    for piece in file.chunks(piece_bytes) {
        let mut rest = piece;
        loop {
            let (taken, more) = unframer.step(rest).ok()?;
            rest = &rest[taken..];
            while let Some(line) = unframer.line() {
                seen.add(line);
            }
            if rest.is_empty() && !more {
                break;
            }
            steps += 1;
            if steps > STEPS_MAX || seen.lines > LINES_MAX {
                return None;
            }
        }
    }
    unframer.is_whole().then_some(seen)
}

impl Seen {
    fn add(&mut self, line: &[u8]) {
        self.lines += 1;
        self.bytes += line.len();
        for byte in line.iter().chain(b"\n") {
            // FNV-1a.
            self.checksum = (self.checksum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

/// A file, however it is cut, and the file that is made of what it has: what goes in comes out.
pub fn file(bytes: &[u8]) {
    if let (Some(whole), Some(cut)) = (seen(bytes, usize::MAX), seen(bytes, CUT_BYTES)) {
        assert_eq!(whole, cut, "in pieces it is another file");
    }
    let mut framer = Framer::new().expect("there is memory");
    let (mut framed, mut rest) = (Vec::new(), bytes);
    while !rest.is_empty() {
        let taken = framer.step(rest, &mut framed).expect("there is memory");
        rest = &rest[taken..];
    }
    framer.finish(&mut framed).expect("there is memory");
    let mut given = Seen::default();
    let whole_lines = bytes.strip_suffix(b"\n");
    for line in whole_lines
        .into_iter()
        .flat_map(|all| all.split(|byte| *byte == b'\n'))
    {
        given.add(line);
    }
    if whole_lines.is_some() && given.lines <= LINES_MAX {
        assert_eq!(seen(&framed, CUT_BYTES), Some(given));
    }
}
