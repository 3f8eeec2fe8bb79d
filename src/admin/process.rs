//! Figures of the process, as the system counts them.

/// Figures under the names that Prometheus' clients give them. What can't be had is absent.
#[derive(Debug, Default)]
pub(super) struct Process {
    pub resident_bytes: Option<u64>,
    pub cpu_seconds: Option<f64>,
    pub open_descriptors: Option<u64>,
}

impl Process {
    #[cfg(target_os = "linux")]
    pub fn now() -> Self {
        // SAFETY: sysconf takes a number and touches no memory of ours.
        let (page, ticks) = unsafe {
            (
                libc::sysconf(libc::_SC_PAGESIZE),
                libc::sysconf(libc::_SC_CLK_TCK),
            )
        };
        let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
        let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok());
        let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
        // Behind the name, which may have spaces: utime and stime are the 12th and 13th from there.
        let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
        let mut times = fields.split_whitespace().skip(11);
        let mut time = || times.next().and_then(|ticks| ticks.parse::<f64>().ok());
        let spent = time().zip(time()).map(|(user, system)| user + system);
        Self {
            resident_bytes: pages.map(|pages: u64| pages * page as u64),
            cpu_seconds: spent.map(|spent| spent / ticks as f64),
            open_descriptors: std::fs::read_dir("/proc/self/fd")
                .map(|entries| entries.count() as u64)
                .ok(),
        }
    }

    #[cfg(not(target_os = "linux"))]
    pub fn now() -> Self {
        Self::default()
    }
}
