//! A server's end of a process for transforms.

use super::child;
use super::watchdog::EXIT_TIME;
use super::wire::{Begin, HELLO, Message, Outcome, Step, read_frame, write_frame};
use super::{Transform, TransformError, TransformMessage, Transformed};
use crate::pubsub::limits::SCRIPT_MS_MAX;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// Bytes that are read in search of the process's first words.
const HELLO_BYTES_MAX: usize = 4096;

/// A running process. Dropping it ends it.
pub(super) struct ScriptProcess {
    child: Child,
    input: BufWriter<ChildStdin>,
    output: BufReader<ChildStdout>,
}

/// How a process ended before its work was done.
#[derive(Debug)]
pub(super) enum Ended {
    /// By itself, because a function went on and on.
    Late,
    /// Somehow, which may have nothing to do with the work.
    Otherwise(String),
}

impl From<Ended> for TransformError {
    fn from(ended: Ended) -> Self {
        TransformError(match ended {
            Ended::Late => {
                format!("a function ran for more than {SCRIPT_MS_MAX} ms and had to be killed")
            }
            Ended::Otherwise(why) => why,
        })
    }
}

/// One request's messages, or the part of them that isn't done yet.
pub(super) struct Work<'a> {
    pub transforms: &'a [Transform],
    pub messages: &'a [TransformMessage],
    pub ms_max: u64,
    pub memory_bytes_max: usize,
}

impl ScriptProcess {
    pub(super) fn start() -> io::Result<Self> {
        let mut command = program()?;
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        // Not of the terminal's group: the server decides when it ends.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn()?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            unreachable!("both are pipes");
        };
        let mut process = Self {
            child,
            input: BufWriter::new(input),
            output: BufReader::new(output),
        };
        process.await_hello()?;
        Ok(process)
    }

    fn await_hello(&mut self) -> io::Result<()> {
        let mut heard = Vec::new();
        let mut byte = [0];
        while !heard.ends_with(HELLO) {
            if heard.len() == HELLO_BYTES_MAX {
                return Err(io::ErrorKind::InvalidData.into());
            }
            self.output.read_exact(&mut byte)?;
            heard.push(byte[0]);
        }
        Ok(())
    }

    /// Has the work done and takes its outcomes, one per message, or one if there are none.
    ///
    /// # Errors
    /// If the process ended, which is the fault of the first message without an outcome. The process
    /// is of no use then.
    pub(super) fn work(
        &mut self,
        work: &Work<'_>,
        mut take: impl FnMut(Transformed),
    ) -> Result<(), Ended> {
        let mut exchange = || -> io::Result<()> {
            let begin = Begin {
                steps: work.transforms.iter().map(Step::from).collect(),
                messages: u32::try_from(work.messages.len()).unwrap_or(u32::MAX),
                ms_max: work.ms_max,
                memory_bytes_max: work.memory_bytes_max as u64,
            };
            write_frame(&mut self.input, &begin)?;
            for message in work.messages {
                write_frame(&mut self.input, &Message::from(message))?;
            }
            self.input.flush()?;
            for _ in 0..work.messages.len().max(1) {
                take(read_frame::<Outcome>(&mut self.output)?.into());
            }
            Ok(())
        };
        match exchange() {
            Ok(()) => Ok(()),
            Err(error) => Err(self.ended(&error)),
        }
    }

    fn ended(&mut self, error: &io::Error) -> Ended {
        // If it hasn't ended, what it says can't be understood.
        let _ = self.child.kill();
        match self.child.wait() {
            Ok(status) if status.code() == Some(EXIT_TIME) => Ended::Late,
            Ok(status) => Ended::Otherwise(format!("the functions' process ended: {status}")),
            Err(_) => Ended::Otherwise(format!("the functions' process failed: {error}")),
        }
    }
}

impl Drop for ScriptProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// This program, to be started for transforms. Nothing of the environment goes with it.
///
/// Hazard: a program that doesn't ask would do its own work once more, and start the next.
#[cfg(not(test))]
fn program() -> io::Result<Command> {
    if !child::does_ask() {
        let text = "this program isn't lclq, which alone runs user-defined functions";
        return Err(io::Error::new(io::ErrorKind::Unsupported, text));
    }
    // This image, even if the file has been replaced by a new version meanwhile.
    #[cfg(target_os = "linux")]
    let path = "/proc/self/exe";
    #[cfg(not(target_os = "linux"))]
    let path = std::env::current_exe()?;
    let mut command = Command::new(path);
    command.arg(child::ARGUMENT).env_clear();
    Ok(command)
}

/// This crate's own tests, of which one is the process.
#[cfg(test)]
fn program() -> io::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command
        .args(["pubsub::transform::tests::process", "--exact"])
        .args(["--nocapture", "--test-threads=1"])
        .env_clear()
        .env("LCLQ_TEST_PROCESS", child::ARGUMENT);
    Ok(command)
}
