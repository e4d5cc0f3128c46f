//! Writes `dashboards/sigma/`: Sigma rules for shadowtap's own findings, and for DNS and Zeek logs by the hosts of the
//! catalogue.
//!
//!     cargo run -p rules --example sigma_rules
//!
//! A test compares the committed rules with what this writes.

#![allow(clippy::print_stdout, reason = "a program says what it has written")]

mod sigma;

use std::{error::Error, fs};

use rules::catalogue::Catalogue;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = sigma::folder();
    let rules = sigma::all(&Catalogue::builtin());
    for stale in sigma::files(&folder)?.difference(&rules.keys().cloned().collect()) {
        fs::remove_file(folder.join(stale))?;
    }
    for (name, text) in &rules {
        let path = folder.join(name);
        path.parent().map_or(Ok(()), fs::create_dir_all)?;
        fs::write(path, text)?;
    }
    println!("{} rules in {}", rules.len(), folder.display());
    Ok(())
}
