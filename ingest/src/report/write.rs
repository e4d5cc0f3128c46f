//! The report as files: everything is rendered before the first file is touched, and each file is whole or absent.

use std::fs;
use std::path::{Path, PathBuf};

use super::build::ReportError;
use super::{Report, csv, html};
use crate::files::{FileError, write_whole};

/// Where the report stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportPaths {
    /// The page.
    pub html: PathBuf,
    /// The model.
    pub json: PathBuf,
    /// One file per table.
    pub csv: Vec<PathBuf>,
}

impl Report {
    /// The model as JSON, indented, with a newline at the end.
    pub fn json(&self) -> Result<String, ReportError> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// The page.
    pub fn html(&self) -> Result<String, ReportError> {
        Ok(html::page(self)?)
    }

    /// Writes `index.html`, `report.json` and the CSV files into `dir`, which is made when absent. The page comes last:
    /// where it is new, everything beside it is.
    pub fn write(&self, dir: &Path) -> Result<ReportPaths, ReportError> {
        let (html, json, tables) = (self.html()?, self.json()?, csv::tables(self)?);
        fs::create_dir_all(dir).map_err(FileError::of("create", dir))?;
        let mut paths =
            ReportPaths { html: dir.join("index.html"), json: dir.join("report.json"), csv: Vec::new() };
        for (name, text) in tables {
            let path = dir.join(name);
            write_whole(&path, &[text.as_bytes()])?;
            paths.csv.push(path);
        }
        write_whole(&paths.json, &[json.as_bytes()])?;
        write_whole(&paths.html, &[html.as_bytes()])?;
        Ok(paths)
    }
}
