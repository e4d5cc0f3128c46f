//! Compiles `catalog/*.toml` into the crate: writes a table of (file name, text), sorted by file name.

#![allow(clippy::print_stdout, reason = "cargo reads a build script's standard output")]

use std::{env, error::Error, fs, path::PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("catalog");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut files = Vec::new();
    for entry in fs::read_dir(&folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|ext| ext == "toml") {
            files.push(path);
        }
    }
    files.sort();
    let mut table = String::from("&[\n");
    for path in &files {
        println!("cargo::rerun-if-changed={}", path.display());
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        table += &format!("    ({name:?}, include_str!({path:?})),\n");
    }
    table += "]\n";
    fs::write(PathBuf::from(env::var("OUT_DIR")?).join("catalog.rs"), table)?;
    Ok(())
}
