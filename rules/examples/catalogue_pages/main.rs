//! Writes `docs/catalogue/`: a page per owner of the 40 biggest services, made from the catalogue.
//!
//!     cargo run -p rules --example catalogue_pages
//!
//! A test compares the committed pages with what this writes.

#![allow(clippy::print_stdout, reason = "a program says what it has written")]

mod pages;

use std::{error::Error, fs};

use rules::catalogue::Catalogue;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = pages::folder();
    let pages = pages::all(&Catalogue::builtin())?;
    for stale in pages::files(&folder)?.difference(&pages.keys().cloned().collect()) {
        fs::remove_file(folder.join(stale))?;
    }
    for (name, text) in &pages {
        fs::write(folder.join(name), text)?;
    }
    println!("{} pages in {}", pages.len(), folder.display());
    Ok(())
}
