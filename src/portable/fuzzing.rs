//! Exports, for tests/fuzz.

use super::{Framer, Line, Unframer, to_line};

/// Steps that a file may take to read. What unpacks to more is left.
const STEPS_MAX: usize = 64;

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

/// All lines of a file that comes in pieces; none where it is damaged.
fn lines(file: &[u8], piece_bytes: usize) -> Option<Vec<Vec<u8>>> {
    let mut unframer = Unframer::new().expect("there is memory");
    let mut all = Vec::new();
    let mut steps = 0;
    for piece in file.chunks(piece_bytes) {
        let mut rest = piece;
        loop {
            steps += 1;
            let (taken, more) = unframer.step(rest).ok()?;
            rest = &rest[taken..];
            while let Some(line) = unframer.line() {
                all.push(line.to_vec());
            }
            if rest.is_empty() && !more || steps > STEPS_MAX + file.len() {
                break;
            }
        }
    }
    unframer.is_whole().then_some(all)
}

/// A file, and the file that is made of what it has: what goes in comes out.
pub fn file(bytes: &[u8]) {
    assert_eq!(
        lines(bytes, bytes.len().max(1)),
        lines(bytes, 100),
        "in pieces it is another file"
    );
    let mut framer = Framer::new().expect("there is memory");
    let (mut framed, mut rest) = (Vec::new(), bytes);
    while !rest.is_empty() {
        let taken = framer.step(rest, &mut framed).expect("there is memory");
        rest = &rest[taken..];
    }
    framer.finish(&mut framed).expect("there is memory");
    let mut given: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    let unended = given.pop().unwrap_or_default();
    let read = lines(&framed, 1000);
    if unended.is_empty() {
        let read = read.expect("what was framed is whole");
        assert_eq!(read, given);
    }
}
