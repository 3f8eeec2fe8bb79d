//! What the process asks of the kernel about its memory.

/// Keeps the kernel from backing the heap with pages of 2 MiB. The allocator asks for them, and
/// then the first few bytes of each region it opens cost 2 MiB: an idle server was 29 MiB instead
/// of 12, and a long poll 23 KiB instead of 14, for no message more per second.
///
/// Run by the loader before `main`: the standard library allocates before that, too. A kernel
/// without the setting is left alone.
#[cfg(target_os = "linux")]
#[used]
// SAFETY: the loader calls what is in this section with arguments that a function without any
// ignores; the number puts it before the allocator's own, which has none.
#[unsafe(link_section = ".init_array.00100")]
static PREFER_SMALL_PAGES: extern "C" fn() = {
    extern "C" fn prefer_small_pages() {
        let (on, unused): (libc::c_ulong, libc::c_ulong) = (1, 0);
        // SAFETY: this prctl reads no memory of ours; the three unused arguments have to be 0.
        unsafe { libc::prctl(libc::PR_SET_THP_DISABLE, on, unused, unused, unused) };
    }
    prefer_small_pages
};
