//! Where PostgreSQL's programs are.

use std::cmp::Reverse;
use std::path::{Path, PathBuf};

/// Where Debian and its kin put a version's programs.
const VERSIONS: &str = "/usr/lib/postgresql";

/// The directory that has `initdb` and `postgres`: one named by `LCLQ_POSTGRES`, one of the path, or
/// that of the newest version installed.
pub fn find() -> PathBuf {
    let named = std::env::var_os("LCLQ_POSTGRES").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let of_path = std::env::split_paths(&path).collect::<Vec<_>>();
    let mut candidates = named.into_iter().chain(of_path).chain(installed());
    let found = candidates.find(|directory| has_programs(directory));
    found.expect("no initdb and postgres: install PostgreSQL, or name its bin by LCLQ_POSTGRES")
}

/// That of PostgreSQL 18, whichever else there is.
pub fn newest() -> PathBuf {
    let named = std::env::var_os("LCLQ_POSTGRES_NEWEST").map(PathBuf::from);
    let found = named.filter(|directory| has_programs(directory));
    found.expect(
        "name PostgreSQL 18's bin by LCLQ_POSTGRES_NEWEST; tests/postgres newest installs it",
    )
}

/// Another of a version's programs. Its directory may be known by links to some of them alone.
pub fn beside(programs: &Path, name: &str) -> PathBuf {
    let real = programs.join("postgres").canonicalize().unwrap();
    let mut candidates = [programs, real.parent().unwrap()]
        .map(|directory| directory.join(name))
        .into_iter();
    let found = candidates.find(|program| program.is_file());
    found.unwrap_or_else(|| {
        panic!(
            "no {name} beside {}: install PostgreSQL's client",
            real.display()
        )
    })
}

fn has_programs(directory: &Path) -> bool {
    directory.join("initdb").is_file() && directory.join("postgres").is_file()
}

fn installed() -> Vec<PathBuf> {
    let versions = std::fs::read_dir(VERSIONS).into_iter().flatten().flatten();
    let mut versions: Vec<_> = versions.map(|version| version.path()).collect();
    versions.sort_by_key(|version| {
        let name = version.file_name().and_then(|name| name.to_str());
        Reverse(name.and_then(|name| name.parse::<u32>().ok()))
    });
    versions
        .into_iter()
        .map(|version| version.join("bin"))
        .collect()
}
