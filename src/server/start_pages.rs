//! Pages of the program that only its start needed.
//!
//! A start runs through much of the program once: flags, configuration, schemas, tables. The kernel maps
//! sixteen pages for each that is touched, and they count as this process's memory for as long as it runs.
//! Given back, those that requests need come again at the first of them, from the page cache.

use std::fs;
use std::ops::Range;

/// Gives back the pages of the program's code. Does nothing where a debugger may have written to them,
/// or where it isn't clear which they are.
pub fn give_back() {
    if is_traced() {
        return;
    }
    if let Some(code) = code() {
        // SAFETY: the range is a mapping of the program's file, as the kernel lists it, that is never
        // written to. What is dropped is the same when it is touched again.
        unsafe {
            libc::madvise(
                code.start as *mut libc::c_void,
                code.len(),
                libc::MADV_DONTNEED,
            )
        };
    }
}

fn is_traced() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let tracer = status
        .lines()
        .find_map(|line| line.strip_prefix("TracerPid:"));
    tracer.is_none_or(|pid| pid.trim() != "0")
}

/// Where the program's code is mapped.
fn code() -> Option<Range<usize>> {
    let here = give_back as *const () as usize;
    let maps = fs::read_to_string("/proc/self/maps").ok()?;
    maps.lines().find_map(|line| {
        let mut parts = line.split_whitespace();
        let (start, end) = parts.next()?.split_once('-')?;
        let address = |text| usize::from_str_radix(text, 16).ok();
        let range = address(start)?..address(end)?;
        (range.contains(&here) && parts.next() == Some("r-xp")).then_some(range)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_goes_on_without_its_pages() {
        let code = code().expect("the kernel lists it");
        assert!(code.contains(&(is_traced as *const () as usize)));
        give_back();
        assert_eq!(super::code(), Some(code));
    }
}
