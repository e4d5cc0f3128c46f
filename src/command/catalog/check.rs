//! `catalog check` and `catalog diff`: are the files in order, and how do they differ from others?

use std::fs;
use std::path::Path;

use ingest::text::counted;
use rules::catalogue::compare::{Cover, Form, PublicList, compare};
use rules::catalogue::{self, Catalogue, Level};

use crate::config;
use crate::exit::{Done, Failure, Outcome};
use crate::terminal::Output;

/// What is wrong with the files.
pub(super) fn files(folder: Option<&Path>) -> Outcome {
    let catalogue = config::catalogue(folder)?;
    let problems = match folder {
        None => catalogue::check_files(Catalogue::builtin_files().iter().copied()),
        Some(_) => catalogue::check(&catalogue),
    };
    let mut out = Output::new();
    let mut errors = 0;
    for problem in &problems {
        let kind = if problem.level == Level::Error { "error" } else { "note" };
        errors += u64::from(problem.level == Level::Error);
        out.line(format_args!("{kind}: {}", problem.fault))?;
    }
    let patterns: usize = catalogue.services().iter().map(|s| s.patterns.len()).sum();
    out.line(format_args!(
        "catalogue {}: {}, {}, {}, {}",
        catalogue.version(),
        counted(catalogue.services().len() as u64, "service"),
        counted(patterns as u64, "pattern"),
        counted(errors, "error"),
        counted(problems.len() as u64 - errors, "note"),
    ))?;
    out.finish()?;
    match errors {
        0 => Ok(Done::Clean),
        _ => Err(Failure::Usage(format!("the catalogue has {}", counted(errors, "error")))),
    }
}

/// What a public list has that the catalogue lacks, and what the catalogue has that the list lacks.
pub(super) fn against(folder: Option<&Path>, list: &Path) -> Outcome {
    let text =
        fs::read(list).map_err(|e| Failure::Usage(format!("cannot read the list {}: {e}", list.display())))?;
    let public = PublicList::parse(&String::from_utf8_lossy(&text));
    if public.entries.is_empty() {
        return Err(Failure::Usage(format!(
            "{} has no entry that could be compared: expected v2fly, hosts or plain form",
            list.display()
        )));
    }
    let catalogue = config::catalogue(folder)?;
    let comparison = compare(&catalogue, &public);
    let mut out = Output::new();
    for theirs in comparison.theirs.iter().filter(|theirs| theirs.cover != Cover::Whole) {
        let (entry, cover) = (theirs.entry, theirs.cover);
        let held = theirs.hit.map_or_else(String::new, |hit| format!(", its name is {}", hit.service.id));
        out.line(format_args!(
            "theirs {}:{} {} ({}): we hold {cover}{held}",
            list.display(),
            entry.line,
            entry.name,
            entry.reach
        ))?;
    }
    for ours in comparison.ours.iter().filter(|ours| ours.cover != Cover::Whole) {
        let (line, cover) = (ours.line, ours.cover);
        out.line(format_args!(
            "ours   {} {} ({}): they hold {cover}",
            line.pattern.kind, line.pattern.text, line.service.id
        ))?;
    }
    out.line(format_args!(
        "theirs: {}, we hold {} whole, {} in part, {} not at all",
        counted(public.entries.len() as u64, "name"),
        comparison.theirs_with(Cover::Whole),
        comparison.theirs_with(Cover::Part),
        comparison.theirs_with(Cover::Nothing),
    ))?;
    out.line(format_args!(
        "ours:   {}, they hold {} whole, {} in part, {} not at all",
        counted(comparison.ours.len() as u64, "pattern"),
        comparison.ours_with(Cover::Whole),
        comparison.ours_with(Cover::Part),
        comparison.ours_with(Cover::Nothing),
    ))?;
    let skipped: Vec<_> = Form::ALL
        .iter()
        .filter(|&&form| public.skipped_as(form) > 0)
        .map(|&form| format!("{} {form}", public.skipped_as(form)))
        .collect();
    if !skipped.is_empty() {
        out.line(format_args!("not comparable: {}", skipped.join(", ")))?;
    }
    out.finish()?;
    Ok(Done::Clean)
}

/// What changes from one catalogue to another.
pub(super) fn diff(old: &Path, new: &Path) -> Outcome {
    let load = |path: &Path| config::catalogue(Some(path).filter(|path| path.as_os_str() != "builtin"));
    let (old, new) = (load(old)?, load(new)?);
    let diff = catalogue::diff(&old, &new);
    let mut out = Output::new();
    if diff.is_empty() {
        out.line("no difference")?;
    } else {
        out.write(diff.to_string().as_bytes())?;
    }
    out.finish()?;
    Ok(Done::Clean)
}
