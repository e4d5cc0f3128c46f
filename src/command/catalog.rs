//! `shadowtap catalog`: what the catalogue says about a host, and whether its files are in order.

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};
use rules::catalogue::{Catalogue, Category, Level, Role, Strength, check, check_files};
use serde::Serialize;

use crate::config;
use crate::exit::{Done, Failure, Outcome};
use crate::terminal::Output;

/// Arguments of `catalog`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  shadowtap catalog find chatgpt.com api.github.com
  shadowtap catalog find --format json eu.contoso.openai.azure.com
  shadowtap catalog list --category code-assistant
  shadowtap catalog check my-services/                files that extend the built-in catalogue")]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Say which service a host belongs to, and in which role
    Find {
        /// Host names
        #[arg(required = true, value_name = "HOST")]
        hosts: Vec<String>,
        /// Output format
        #[arg(long, value_enum, default_value = "text")]
        format: Format,
        /// Folder of catalogue files that replace or extend the built-in ones
        #[arg(long, value_name = "DIR")]
        catalogue: Option<PathBuf>,
    },
    /// Check the built-in files, or those of a folder laid over them
    Check {
        /// Folder of catalogue files
        #[arg(value_name = "DIR")]
        folder: Option<PathBuf>,
    },
    /// List the services
    List {
        /// Only this category
        #[arg(long, value_parser = |text: &str| text.parse::<Category>())]
        category: Option<Category>,
        /// Output format
        #[arg(long, value_enum, default_value = "text")]
        format: Format,
        /// Folder of catalogue files that replace or extend the built-in ones
        #[arg(long, value_name = "DIR")]
        catalogue: Option<PathBuf>,
    },
}

/// How answers are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Text,
    /// One JSON object per line
    Json,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> Outcome {
    match &args.action {
        Action::Find { hosts, format, catalogue } => {
            find(hosts, *format, &config::catalogue(catalogue.as_deref())?)
        }
        Action::List { category, format, catalogue } => {
            list(*category, *format, &config::catalogue(catalogue.as_deref())?)
        }
        Action::Check { folder } => check_all(folder.as_deref()),
    }
}

#[derive(Serialize)]
struct Found<'a> {
    host: &'a str,
    service: Option<&'a str>,
    name: Option<&'a str>,
    category: Option<Category>,
    role: Option<Role>,
    strength: Option<Strength>,
    pattern: Option<&'a str>,
    file: Option<&'a str>,
}

fn find(hosts: &[String], format: Format, catalogue: &Catalogue) -> Outcome {
    let mut out = Output::new();
    for host in hosts {
        let hit = catalogue.find(host);
        let found = Found {
            host,
            service: hit.map(|h| h.service.id.as_str()),
            name: hit.map(|h| h.service.name.as_str()),
            category: hit.map(|h| h.service.category),
            role: hit.map(|h| h.pattern.role),
            strength: hit.map(|h| h.pattern.strength),
            pattern: hit.map(|h| h.pattern.text.as_str()),
            file: hit.map(|h| h.pattern.file.as_str()),
        };
        match (format, hit) {
            (Format::Json, _) => out.line(serde_json::to_string(&found)?)?,
            (Format::Text, None) => out.line(format_args!("{host}: no AI service"))?,
            (Format::Text, Some(hit)) => out.line(format_args!(
                "{host}: {} ({}, {}), role {}, {}; pattern {} in {}:{}",
                hit.service.name,
                hit.service.id,
                hit.service.category,
                hit.pattern.role,
                hit.pattern.strength,
                hit.pattern.text,
                hit.pattern.file,
                hit.pattern.line,
            ))?,
        }
    }
    out.finish()?;
    Ok(Done::Clean)
}

#[derive(Serialize)]
struct Listed<'a> {
    service: &'a str,
    name: &'a str,
    vendor: &'a str,
    category: Category,
    patterns: usize,
}

fn list(category: Option<Category>, format: Format, catalogue: &Catalogue) -> Outcome {
    let mut out = Output::new();
    for service in catalogue.services().iter().filter(|s| category.is_none_or(|c| s.category == c)) {
        let listed = Listed {
            service: &service.id,
            name: &service.name,
            vendor: &service.vendor,
            category: service.category,
            patterns: service.patterns.len(),
        };
        match format {
            Format::Json => out.line(serde_json::to_string(&listed)?)?,
            Format::Text => out.line(format_args!(
                "{:<24} {:<28} {:<16} {:>3}  {}",
                listed.service,
                listed.name,
                service.category.as_str(),
                listed.patterns,
                listed.vendor
            ))?,
        }
    }
    out.finish()?;
    Ok(Done::Clean)
}

fn check_all(folder: Option<&std::path::Path>) -> Outcome {
    let problems = match folder {
        None => check_files(Catalogue::builtin_files().iter().copied()),
        Some(_) => check(&config::catalogue(folder)?),
    };
    let mut out = Output::new();
    let mut errors = 0;
    for problem in &problems {
        let kind = if problem.level == Level::Error { "error" } else { "note" };
        errors += usize::from(problem.level == Level::Error);
        out.line(format_args!("{kind}: {}", problem.fault))?;
    }
    let catalogue = config::catalogue(folder)?;
    let patterns: usize = catalogue.services().iter().map(|s| s.patterns.len()).sum();
    out.line(format_args!(
        "catalogue {}: {} services, {patterns} patterns, {errors} errors, {} notes",
        catalogue.version(),
        catalogue.services().len(),
        problems.len() - errors
    ))?;
    out.finish()?;
    if errors > 0 { Err(Failure::Usage(format!("the catalogue has {errors} errors"))) } else { Ok(Done::Clean) }
}
