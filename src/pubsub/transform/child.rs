//! The process that runs transforms for one core of a server: reads jobs, answers outcomes.
//!
//! It is the same program, started with an argument of its own. It has nothing to lose: a function
//! that can't be stopped ends with it, and so does all the memory that functions keep.

use super::scripts::Scripts;
use super::watchdog::Watchdog;
use super::wire::{Begin, HELLO, Message, Outcome, read_frame, write_frame};
use super::{Transform, Transformed};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// The program's only argument then.
pub(super) const ARGUMENT: &str = "run-transforms";

/// Whether this program asks whether it was started for transforms.
static DOES_ASK: AtomicBool = AtomicBool::new(false);

/// Whether this program, started with [`ARGUMENT`], would run transforms.
#[cfg(not(test))]
pub(super) fn does_ask() -> bool {
    DOES_ASK.load(Ordering::Relaxed)
}

/// Stack of the thread that runs functions, bytes. The engine has a bound of its own below it.
const STACK_BYTES: usize = 4 << 20;

/// Runs transforms for a server until it closes standard input, if that is what the program was
/// started for. To be called before anything else.
pub fn run_if_asked() -> Option<ExitCode> {
    DOES_ASK.store(true, Ordering::Relaxed);
    let mut arguments = std::env::args_os().skip(1);
    let asked = arguments.next().is_some_and(|first| first == ARGUMENT);
    (asked && arguments.next().is_none()).then(run)
}

/// Runs until standard input ends.
pub(super) fn run() -> ExitCode {
    let body = || serve(&mut io::stdin().lock(), &mut io::stdout().lock());
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES);
    match thread.spawn(body).map(std::thread::JoinHandle::join) {
        Ok(Ok(Ok(()))) => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

fn serve(input: &mut impl Read, output: &mut impl Write) -> io::Result<()> {
    let mut input = BufReader::new(input);
    let mut output = BufWriter::new(output);
    let mut scripts = Scripts::new(Watchdog::start()?);
    output.write_all(HELLO)?;
    output.flush()?;
    loop {
        let job: Begin = match read_frame(&mut input) {
            Ok(job) => job,
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            Err(error) => return Err(error),
        };
        let until = Instant::now() + Duration::from_millis(job.ms_max);
        // All of them before the first is answered: the server writes before it reads.
        let messages = (0..job.messages)
            .map(|_| read_frame::<Message>(&mut input))
            .collect::<io::Result<Vec<_>>>()?;
        let transforms: Vec<Transform> = job.steps.into_iter().map(Transform::from).collect();
        scripts.begin(usize::try_from(job.memory_bytes_max).unwrap_or(usize::MAX));
        let mut answer = |outcome: &Transformed| {
            write_frame(&mut output, &Outcome::from(outcome))?;
            // One by one, so that the server knows which message it was if this process ends.
            output.flush()
        };
        if messages.is_empty() {
            answer(&scripts.check(&transforms))?;
        }
        for message in messages {
            answer(&scripts.apply(&transforms, message.into(), until))?;
        }
    }
}
