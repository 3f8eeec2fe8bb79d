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
    for pages in unwritten() {
        // SAFETY: the range is a mapping of the program's file, as the kernel lists it, that is never
        // written to. What is dropped is the same when it is touched again.
        unsafe {
            libc::madvise(
                pages.start as *mut libc::c_void,
                pages.len(),
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

/// Where the program's code is mapped, and what stands before it in the file: constants, and what the
/// loader goes by. What comes after the code was written to as it was loaded.
fn unwritten() -> Vec<Range<usize>> {
    let maps = fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let mappings: Vec<Mapping> = maps.lines().filter_map(Mapping::of).collect();
    let here = give_back as *const () as usize;
    let Some(code) = mappings.iter().position(|one| one.at.contains(&here)) else {
        return Vec::new();
    };
    let file = mappings[code].file;
    let before = code.checked_sub(1).map(|before| &mappings[before]);
    let constants =
        before.filter(|one| one.file == file && one.rights == "r--p" && one.offset == 0);
    let code = Some(&mappings[code]).filter(|one| one.rights == "r-xp");
    constants
        .into_iter()
        .chain(code)
        .map(|one| one.at.clone())
        .collect()
}

/// A line of the kernel's list.
struct Mapping<'a> {
    at: Range<usize>,
    rights: &'a str,
    offset: u64,
    /// Device and inode.
    file: (&'a str, &'a str),
}

impl<'a> Mapping<'a> {
    fn of(line: &'a str) -> Option<Self> {
        let mut parts = line.split_whitespace();
        let (start, end) = parts.next()?.split_once('-')?;
        let address = |text| usize::from_str_radix(text, 16).ok();
        Some(Self {
            at: address(start)?..address(end)?,
            rights: parts.next()?,
            offset: u64::from_str_radix(parts.next()?, 16).ok()?,
            file: (parts.next()?, parts.next()?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_goes_on_without_its_pages() {
        let pages = unwritten();
        let code = pages.last().expect("the kernel lists it");
        assert!(code.contains(&(is_traced as *const () as usize)));
        give_back();
        assert_eq!(unwritten(), pages);
    }
}
