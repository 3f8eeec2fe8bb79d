//! Compiles the contracts in `proto/` without protoc: messages, service traits, descriptors. Packs the
//! files of `console/`.

use prost_build::Config;
use std::io;
use std::path::{Path, PathBuf};

#[path = "build/console.rs"]
mod console;
#[path = "build/services.rs"]
mod services;
#[path = "build/shapes.rs"]
mod shapes;

/// Methods whose requests and replies stay encoded: the hot paths read and write the bytes
/// themselves. Names as in `service.method`.
const ENCODED_METHODS: &[&str] = &[
    "Publisher.Publish",
    "Subscriber.Acknowledge",
    "Subscriber.ModifyAckDeadline",
    "Subscriber.Pull",
    "Subscriber.StreamingPull",
];

/// Has what is released built without the names of its functions, a seventh of its size: the profile
/// `profiling` has them, and lines besides. The library keeps them, since what counts instructions goes by them.
fn without_names() {
    let is = |name: &str, value: &str| std::env::var(name).is_ok_and(|has| has == value);
    if is("PROFILE", "release") && is("DEBUG", "false") && is("CARGO_CFG_TARGET_OS", "linux") {
        println!("cargo::rustc-link-arg-bins=-Wl,--strip-all");
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    without_names();
    let root = Path::new("proto");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=build");
    println!("cargo::rerun-if-changed=proto");
    println!("cargo::rerun-if-changed=console");
    let mut files = Vec::new();
    collect(root, &mut files)?;
    files.sort();

    let mut compiler = protox::Compiler::new([root])?;
    compiler.include_imports(true);
    compiler.open_files(&files)?;
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("no OUT_DIR")?);
    console::write(Path::new("console"), &out)?;
    // protox encodes options that are extensions too; going through prost's types would drop them.
    std::fs::write(
        out.join("descriptors.bin"),
        compiler.encode_file_descriptor_set(),
    )?;
    let descriptors = compiler.file_descriptor_set();
    std::fs::write(out.join("shapes.rs"), shapes::write(&descriptors))?;
    Config::new()
        .bytes(["."])
        .btree_map(["."])
        .enable_type_names()
        .service_generator(Box::new(services::Services {
            encoded_methods: ENCODED_METHODS,
        }))
        .include_file("contracts.rs")
        .compile_fds(descriptors)?;
    Ok(())
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|ext| ext == "proto") {
            files.push(path);
        }
    }
    Ok(())
}
