//! Bounds of what an owner of a log keeps in memory and has under way.

/// Records under way at once. With a round trip of 2 ms four give five times the commits of one, and
/// eight hardly more.
const WINDOW_RECORDS_MAX: usize = 4;
/// Bytes of records under way at once, unless one alone is larger.
const WINDOW_BYTES_MAX: usize = 8 << 20;
/// Acknowledged records that an owner keeps, to send them again to a store that has lost its tail.
const RING_RECORDS_MAX: usize = 1 << 16;
/// Bytes of them.
const RING_BYTES_MAX: usize = 64 << 20;
/// Requests in a row for one record that may come to nothing before the journal is said to be down.
/// The store has given each its time, some seconds.
const DOUBTS_MAX: u32 = 3;
/// Bytes of a log beyond twice what it keeps, before a lap begins that makes it shorter.
const LAP_EXTRA_BYTES: u64 = 16 << 20;
/// Bytes that are read at once when a shard is taken over.
const READ_BYTES_MAX: usize = 4 << 20;

/// How much of everything there may be.
#[derive(Clone, Copy, Debug)]
pub struct LogLimits {
    /// Records under way at once; at least 1.
    pub window_records_max: usize,
    /// Bytes of records under way at once, unless one alone is larger.
    pub window_bytes_max: usize,
    /// Acknowledged records that are kept to be sent again.
    pub ring_records_max: usize,
    /// Bytes of acknowledged records that are kept to be sent again.
    pub ring_bytes_max: usize,
    /// Requests in a row that may come to nothing before clients are refused.
    pub doubts_max: u32,
    /// Bytes of a log beyond twice what it keeps before a lap begins.
    pub lap_extra_bytes: u64,
    /// Bytes that are read at once.
    pub read_bytes_max: usize,
}

impl Default for LogLimits {
    fn default() -> Self {
        Self {
            window_records_max: WINDOW_RECORDS_MAX,
            window_bytes_max: WINDOW_BYTES_MAX,
            ring_records_max: RING_RECORDS_MAX,
            ring_bytes_max: RING_BYTES_MAX,
            doubts_max: DOUBTS_MAX,
            lap_extra_bytes: LAP_EXTRA_BYTES,
            read_bytes_max: READ_BYTES_MAX,
        }
    }
}
