//! Lines in one zstd frame with a checksum, written and read a step at a time.

use super::BadFile;
use zstd::stream::raw::{CParameter, DParameter, Decoder, Encoder, InBuffer, Operation, OutBuffer};

/// What one step puts out at most, bytes.
pub const STEP_BYTES_MAX: usize = 128 << 10;
/// One line at most, bytes: 10 MB of a published message as base64, or 1 MiB of a body whose every
/// character is escaped, and some.
const LINE_BYTES_MAX: usize = 32 << 20;
/// A frame's window at most, as a power of two: memory that reading takes.
const WINDOW_LOG_MAX: u32 = 23;
/// Fast, and better than 1.
const LEVEL: i32 = 3;

/// Compresses lines.
pub struct Framer {
    encoder: Encoder<'static>,
}

impl Framer {
    /// A new frame.
    ///
    /// # Errors
    /// There is no memory for it.
    pub fn new() -> std::io::Result<Self> {
        let mut encoder = Encoder::new(LEVEL)?;
        encoder.set_parameter(CParameter::ChecksumFlag(true))?;
        Ok(Self { encoder })
    }

    /// Takes a part of `input` in and adds what comes of it to `out`. Answers how many bytes it has
    /// taken.
    ///
    /// # Errors
    /// There is no memory for it.
    pub fn step(&mut self, input: &[u8], out: &mut Vec<u8>) -> std::io::Result<usize> {
        let input = &input[..input.len().min(STEP_BYTES_MAX)];
        let mut input = InBuffer::around(input);
        let mut room = [0; 16 << 10];
        loop {
            let mut output = OutBuffer::around(&mut room[..]);
            self.encoder.run(&mut input, &mut output)?;
            out.extend_from_slice(output.as_slice());
            if input.pos() == input.src.len() {
                return Ok(input.pos());
            }
        }
    }

    /// Ends the frame.
    ///
    /// # Errors
    /// There is no memory for it.
    pub fn finish(mut self, out: &mut Vec<u8>) -> std::io::Result<()> {
        let mut room = [0; 16 << 10];
        loop {
            let mut output = OutBuffer::around(&mut room[..]);
            let left = self.encoder.finish(&mut output, true)?;
            out.extend_from_slice(output.as_slice());
            if left == 0 {
                return Ok(());
            }
        }
    }
}

/// Takes lines out of a frame.
pub struct Unframer {
    decoder: Decoder<'static>,
    /// What has been taken out and not been asked for.
    text: Vec<u8>,
    /// Where the next line begins, and up to where no end of it has been found.
    at: usize,
    searched: usize,
    begun: bool,
    ended: bool,
}

impl Unframer {
    /// For a new frame.
    ///
    /// # Errors
    /// There is no memory for it.
    pub fn new() -> std::io::Result<Self> {
        let mut decoder = Decoder::new()?;
        decoder.set_parameter(DParameter::WindowLogMax(WINDOW_LOG_MAX))?;
        Ok(Self {
            decoder,
            text: Vec::new(),
            at: 0,
            searched: 0,
            begun: false,
            ended: false,
        })
    }

    /// Takes a part of `input` in. Answers how many bytes it has taken, and whether there may be more
    /// to come out of them. Lines have to be asked for in between.
    ///
    /// # Errors
    /// It isn't such a file, it is damaged, or a line is longer than any is.
    pub fn step(&mut self, input: &[u8]) -> Result<(usize, bool), BadFile> {
        if self.ended {
            return match input.is_empty() {
                true => Ok((0, false)),
                false => Err(BadFile::new("there is more behind the export's end")),
            };
        }
        if self.text.len() - self.at > LINE_BYTES_MAX {
            return Err(BadFile::new(format!(
                "a line of the export is longer than {LINE_BYTES_MAX} bytes"
            )));
        }
        self.text.drain(..self.at);
        self.searched -= self.at;
        self.at = 0;
        let before = self.text.len();
        self.text.resize(before + STEP_BYTES_MAX, 0);
        let mut input = InBuffer::around(input);
        let mut output = OutBuffer::around(&mut self.text[before..]);
        let ran = self.decoder.run(&mut input, &mut output);
        let (taken, given) = (input.pos(), output.pos());
        let left = ran.map_err(|error| {
            BadFile::new(match self.begun {
                false => "it is no export of lclq: it doesn't begin as one".to_owned(),
                true => format!("the export is damaged: {error}"),
            })
        })?;
        self.text.truncate(before + given);
        self.begun |= taken > 0;
        self.ended = left == 0 && self.begun;
        Ok((taken, given == STEP_BYTES_MAX && !self.ended))
    }

    /// The next whole line, if there is one yet.
    pub fn line(&mut self) -> Option<&[u8]> {
        let found = memchr::memchr(b'\n', &self.text[self.searched..]);
        let Some(found) = found else {
            self.searched = self.text.len();
            return None;
        };
        let (from, to) = (self.at, self.searched + found);
        self.at = to + 1;
        self.searched = self.at;
        Some(&self.text[from..to])
    }

    /// Whether the frame came to its end, its checksum fitted and no line is left in it.
    pub fn is_whole(&self) -> bool {
        self.ended && self.at == self.text.len()
    }
}
