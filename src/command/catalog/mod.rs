//! `shadowtap catalog`: what the catalogue says about a host, and whether its files are in order.

mod bundle;
mod check;

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};
use rules::catalogue::{Catalogue, Category, Plan, Role, Strength};
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
  shadowtap catalog show github-copilot               one service with its hosts
  shadowtap catalog check my-services/                files that extend the built-in catalogue
  shadowtap catalog check --against openai.list       what a public list has that the catalogue lacks, and back
  shadowtap catalog diff builtin my-services/         what a folder changes
  shadowtap catalog keygen catalogue                  catalogue.key to sign with, catalogue.pub for the sensors
  shadowtap catalog seal --key catalogue.key --serial 7 --out catalogue.bundle my-services/")]
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
    /// Show a service with its hosts, roles and sources
    Show {
        /// Id of the service
        #[arg(value_name = "SERVICE")]
        service: String,
        /// Folder of catalogue files that replace or extend the built-in ones
        #[arg(long, value_name = "DIR")]
        catalogue: Option<PathBuf>,
    },
    /// Check the built-in files, or those of a folder laid over them; or compare them with a public list
    Check {
        /// Folder of catalogue files
        #[arg(value_name = "DIR")]
        folder: Option<PathBuf>,
        /// A list in v2fly, hosts or plain form: print what each side has that the other lacks
        #[arg(long, value_name = "LIST")]
        against: Option<PathBuf>,
    },
    /// Compare two catalogues
    Diff {
        /// Folder laid over the built-in files, or `builtin`
        old: PathBuf,
        /// Folder laid over the built-in files, or `builtin`
        new: PathBuf,
    },
    /// Make a key pair to sign bundles with: NAME.key and NAME.pub
    Keygen {
        /// Where to write the two files
        name: PathBuf,
    },
    /// Seal a folder of catalogue files into a signed bundle
    Seal(bundle::SealArgs),
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
        Action::Show { service, catalogue } => show(service, &config::catalogue(catalogue.as_deref())?),
        Action::Check { folder, against: None } => check::files(folder.as_deref()),
        Action::Check { folder, against: Some(list) } => check::against(folder.as_deref(), list),
        Action::Diff { old, new } => check::diff(old, new),
        Action::Keygen { name } => bundle::keygen(name),
        Action::Seal(args) => bundle::seal(args),
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

fn show(id: &str, catalogue: &Catalogue) -> Outcome {
    let Some(service) = catalogue.service(id) else {
        return Err(Failure::Failed(format!("no service {id}: `shadowtap catalog list` names them")));
    };
    let mut out = Output::new();
    out.line(format_args!("{} ({}), {}, {}", service.name, service.id, service.vendor, service.category))?;
    for (key, value) in [("country", &service.country), ("homepage", &service.homepage), ("note", &service.note)] {
        if let Some(value) = value {
            out.line(format_args!("  {key}: {value}"))?;
        }
    }
    if let Some(vetting) = &service.vetting {
        let said = |text: &Option<String>| text.clone().unwrap_or_else(|| "not stated".to_owned());
        out.line(format_args!("  retention: {}; training: {}", said(&vetting.retention), said(&vetting.training)))?;
        if !vetting.certifications.is_empty() {
            out.line(format_args!("  certifications: {}", vetting.certifications.join(", ")))?;
        }
        out.line(format_args!("  vetting by: {}", vetting.source))?;
    }
    for pattern in &service.patterns {
        let plan = pattern.plan.map_or("", Plan::as_str);
        out.line(format_args!(
            "  {:<6} {:<48} {:<14} {:<8} {plan:<10} {}",
            pattern.kind, pattern.text, pattern.role, pattern.strength, pattern.source
        ))?;
    }
    out.finish()?;
    Ok(Done::Clean)
}
