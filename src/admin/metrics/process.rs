//! Figures of the process and its threads, as the system counts them. What can't be had is absent.

use super::pace::Pace;
use super::text::Text;

#[cfg(target_os = "linux")]
pub(super) async fn write(text: &mut Text, pace: &mut Pace<'_>) {
    linux::write(text, pace).await;
}

#[cfg(not(target_os = "linux"))]
pub(super) async fn write(_text: &mut Text, _pace: &mut Pace<'_>) {}

#[cfg(target_os = "linux")]
mod linux {
    use super::{Pace, Text};
    use crate::admin::metrics::families::{self, Family};
    use std::fs;
    use std::os::unix::fs::MetadataExt;

    /// Descriptors or threads that are looked at before the pace is.
    const STEP_ENTRIES_MAX: usize = 64;

    fn gauge(text: &mut Text, family: &'static Family, value: Option<f64>) {
        if let Some(value) = value {
            text.family(family);
            text.sample(&[], value);
        }
    }

    pub async fn write(text: &mut Text, pace: &mut Pace<'_>) {
        let threads = threads(pace).await;
        write_threads(text, &threads);
        let stat = Stat::read();
        gauge(text, &families::PROCESS_CPU, stat.cpu_seconds);
        gauge(text, &families::PROCESS_START, stat.started_at_seconds);
        gauge(text, &families::PROCESS_RESIDENT, stat.resident_bytes);
        gauge(text, &families::PROCESS_VIRTUAL, stat.virtual_bytes);
        gauge(text, &families::PROCESS_THREADS, stat.threads);
        let open = open_descriptors(pace).await;
        gauge(text, &families::PROCESS_FDS, open);
        gauge(text, &families::PROCESS_FDS_MAX, descriptors_max());
    }

    /// Time of one thread.
    struct Thread {
        name: String,
        ran_s: f64,
        waited_s: f64,
    }

    async fn threads(pace: &mut Pace<'_>) -> Vec<Thread> {
        let mut threads = Vec::new();
        let entries = fs::read_dir("/proc/self/task").into_iter().flatten();
        for (at, entry) in entries.flatten().enumerate() {
            if at % STEP_ENTRIES_MAX == 0 {
                pace.step().await;
            }
            let path = entry.path();
            let name = fs::read_to_string(path.join("comm")).unwrap_or_default();
            if !name.starts_with("lclq-") {
                continue;
            }
            // Nanoseconds on a CPU, and ready without one.
            let times = fs::read_to_string(path.join("schedstat")).unwrap_or_default();
            let mut times = times.split(' ').map(str::parse::<f64>);
            if let (Some(Ok(ran)), Some(Ok(waited))) = (times.next(), times.next()) {
                threads.push(Thread {
                    name: name.trim_end().to_owned(),
                    ran_s: ran / 1e9,
                    waited_s: waited / 1e9,
                });
            }
        }
        threads
    }

    fn write_threads(text: &mut Text, threads: &[Thread]) {
        let core = |thread: &Thread| thread.name.strip_prefix("lclq-core-").map(str::to_owned);
        let mut cores: Vec<_> = threads
            .iter()
            .filter_map(|thread| Some((core(thread)?, thread)))
            .collect();
        cores.sort_by_key(|(core, _)| core.parse::<u32>().unwrap_or(u32::MAX));
        text.family(&families::CORE_BUSY);
        for (core, thread) in &cores {
            text.sample(&[core], thread.ran_s);
        }
        text.family(&families::CORE_WAIT);
        for (core, thread) in &cores {
            text.sample(&[core], thread.waited_s);
        }
        let journals = threads
            .iter()
            .filter(|thread| thread.name == "lclq-journal");
        text.family(&families::JOURNAL_BUSY);
        text.sample(&[], journals.map(|thread| thread.ran_s).sum());
    }

    #[derive(Default)]
    struct Stat {
        cpu_seconds: Option<f64>,
        started_at_seconds: Option<f64>,
        resident_bytes: Option<f64>,
        virtual_bytes: Option<f64>,
        threads: Option<f64>,
    }

    impl Stat {
        fn read() -> Self {
            // SAFETY: sysconf takes a number and touches no memory of ours.
            let (page, ticks) = unsafe {
                (
                    libc::sysconf(libc::_SC_PAGESIZE) as f64,
                    libc::sysconf(libc::_SC_CLK_TCK) as f64,
                )
            };
            let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
            // Behind the name, which may have spaces. Numbers here are those of proc(5) less 3.
            let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
            let fields: Vec<&str> = fields.split_whitespace().collect();
            let field = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok());
            let booted = fs::read_to_string("/proc/stat").unwrap_or_default();
            let booted = booted
                .lines()
                .find_map(|line| line.strip_prefix("btime ")?.parse::<f64>().ok());
            Self {
                cpu_seconds: field(11)
                    .zip(field(12))
                    .map(|(user, system)| (user + system) / ticks),
                started_at_seconds: booted.zip(field(19)).map(|(boot, at)| boot + at / ticks),
                resident_bytes: field(21).map(|pages| pages * page),
                virtual_bytes: field(20),
                threads: field(17),
            }
        }
    }

    async fn open_descriptors(pace: &mut Pace<'_>) -> Option<f64> {
        const FD: &str = "/proc/self/fd";
        // Linux says it at once from 6.2 on, and 0 before.
        let size = fs::metadata(FD).ok()?.size();
        if size > 0 {
            return Some(size as f64);
        }
        let mut count = 0;
        for entry in fs::read_dir(FD).ok()? {
            count += usize::from(entry.is_ok());
            if count % STEP_ENTRIES_MAX == 0 {
                pace.step().await;
            }
        }
        Some(count as f64)
    }

    fn descriptors_max() -> Option<f64> {
        let mut limit = libc::rlimit {
            rlim_cur: 0,
            rlim_max: 0,
        };
        // SAFETY: the kernel writes one rlimit.
        let done = unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) };
        (done == 0 && limit.rlim_cur != libc::RLIM_INFINITY).then_some(limit.rlim_cur as f64)
    }
}
