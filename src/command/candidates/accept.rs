//! `candidates accept`: a domain becomes a line of the organisation's own catalogue folder.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use jiff::Zoned;
use rules::catalogue::infra::Infra;
use rules::catalogue::{self, Catalogue, CatalogueError, Category, Level, Role};
use toml::{Table, Value};

use crate::config::{Setup, SetupArgs};
use crate::exit::{Done, Failure, Outcome};
use crate::terminal::Output;

/// The file of the folder that holds what was accepted.
const FILE: &str = "accepted.toml";

/// How the file begins, unless somebody has written a comment of their own there.
const TOP: &str = "# Accepted with `shadowtap candidates accept`.\n";

/// The fields of a service that stand first, in this order.
const FIRST: [&str; 6] = ["id", "name", "vendor", "category", "access", "modality"];

/// Arguments of `candidates accept`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Registrable domain, as `candidates list` prints it
    #[arg(value_parser = super::domain)]
    domain: String,
    /// Id of the service: lower-case letters, digits, hyphens
    #[arg(long, value_name = "ID", value_parser = super::plain)]
    service: String,
    /// What people call it [default: the id]
    #[arg(long, value_parser = super::plain)]
    name: Option<String>,
    /// Who runs it [default: the name]
    #[arg(long, value_parser = super::plain)]
    vendor: Option<String>,
    /// What it is mainly for
    #[arg(long, default_value = "chat", value_parser = |text: &str| text.parse::<Category>().map_err(|e| e.to_string()))]
    category: Category,
    /// What its hosts do
    #[arg(long, default_value = "app", value_parser = |text: &str| text.parse::<Role>().map_err(|e| e.to_string()))]
    role: Role,
    /// Who decided [default: the user's name]
    #[arg(long, value_name = "NAME", value_parser = super::plain)]
    by: Option<String>,
    #[command(flatten)]
    setup: SetupArgs,
}

/// What the folder's file will be.
enum Plan {
    /// As it is: the domain is a host of the service already.
    Unchanged,
    /// This text, and with it a catalogue of this version.
    Changed { text: String, version: String },
}

/// Runs the command. The whole catalogue is checked before a byte is written.
pub(super) fn run(args: &Args) -> Outcome {
    let by = by(args)?;
    let folder = folder(args)?;
    if !folder.exists() {
        // What is refused makes no folder either.
        plan(args, &by, &folder)?;
        fs::create_dir_all(&folder)
            .map_err(|e| Failure::Failed(format!("cannot make the folder {}: {e}", folder.display())))?;
    }
    let _lock = super::exclusive(&folder)?;
    let (domain, service, path) = (&args.domain, &args.service, folder.join(FILE));
    let mut out = Output::new();
    match plan(args, &by, &folder)? {
        Plan::Unchanged => out.line(format_args!("{domain} is a host of {service} already"))?,
        Plan::Changed { text, version } => {
            ingest::files::write_whole_among_others(&path, text.as_bytes())?;
            out.line(format_args!("{domain} is a host of {service} now: {}", path.display()))?;
            out.line(format_args!("catalogue {version}: no errors; `run` takes it up on SIGHUP"))?;
        }
    }
    out.finish()?;
    Ok(Done::Clean)
}

/// Reads the folder and works out what its file will be.
fn plan(args: &Args, by: &str, folder: &Path) -> Result<Plan, Failure> {
    let mut files: BTreeMap<String, String> =
        Catalogue::builtin_files().iter().map(|&(name, text)| (name.to_owned(), text.to_owned())).collect();
    match catalogue::read_folder(folder) {
        Ok(own) => files.extend(own),
        Err(CatalogueError::Empty(_)) => {}
        Err(CatalogueError::Read { source, .. }) if source.kind() == ErrorKind::NotFound && !folder.exists() => {}
        Err(e) => return Err(Failure::usage(e)),
    }
    let before = parse(&files)?;
    if let Some(hit) = before.find(&args.domain) {
        if hit.service.id == args.service {
            return Ok(Plan::Unchanged);
        }
        let (owner, file) = (&hit.service.id, &hit.pattern.file);
        return Err(Failure::Usage(format!("{} is known: it belongs to {owner} ({file})", args.domain)));
    }
    refuse(args, by, &before)?;
    let accepted = files.get(FILE).map_or("", String::as_str);
    let text = with(accepted, args, by)?;
    files.insert(FILE.to_owned(), text.clone());
    let version = check(&files)?.version().to_owned();
    Ok(Plan::Changed { text, version })
}

/// Who decided.
fn by(args: &Args) -> Result<String, Failure> {
    match (&args.by, std::env::var("USER")) {
        (Some(by), _) => Ok(by.clone()),
        (None, Ok(user)) => {
            super::plain(&user).map_err(|e| Failure::Usage(format!("USER {e}: say who decided with --by NAME")))
        }
        (None, Err(_)) => Ok("an unnamed user".to_owned()),
    }
}

/// The folder of the command line, else of the configuration.
fn folder(args: &Args) -> Result<PathBuf, Failure> {
    if let Some(folder) = &args.setup.catalogue {
        return Ok(folder.clone());
    }
    let setup = Setup::load(&args.setup)?;
    setup.rules.folder().map(Path::to_path_buf).ok_or_else(|| {
        Failure::usage("there is no catalogue folder to write into: name one with --catalogue DIR, or `catalogue` in the configuration")
    })
}

/// What would be wrong although the files would be in order.
fn refuse(args: &Args, by: &str, before: &Catalogue) -> Result<(), Failure> {
    if let Some(hit) = Infra::builtin().find(&args.domain) {
        let (what, class) = (hit.what, hit.class);
        return Err(Failure::Usage(format!("{} is no AI service but {what} ({class})", args.domain)));
    }
    match before.service(&args.service) {
        Some(known) if known.file != FILE => Err(Failure::Usage(format!(
            "{} stands in {}: copy that file into the folder and add the line\n{}",
            known.id,
            known.file,
            line(&host(args, by))
        ))),
        _ => Ok(()),
    }
}

fn parse(files: &BTreeMap<String, String>) -> Result<Catalogue, Failure> {
    Catalogue::parse(files.iter().map(|(name, text)| (name.as_str(), text.as_str()))).map_err(Failure::usage)
}

/// What `catalog check` would say: the first error, else the catalogue.
fn check(files: &BTreeMap<String, String>) -> Result<Catalogue, Failure> {
    let problems = catalogue::check_files(files.iter().map(|(name, text)| (name.as_str(), text.as_str())));
    match problems.into_iter().find(|problem| problem.level == Level::Error) {
        Some(problem) => Err(Failure::Usage(format!("nothing was written: {}", problem.fault))),
        None => parse(files),
    }
}

/// The file's text with one host more, written anew from what it says. Services stand by id, hosts in the order of
/// acceptance; of comments the first lines alone are kept.
fn with(text: &str, args: &Args, by: &str) -> Result<String, Failure> {
    let wrong = |what: &str| Failure::Usage(format!("{FILE}: {what}"));
    let mut file: Table = text.parse().map_err(|e: toml::de::Error| wrong(e.message()))?;
    let services = file.remove("service").unwrap_or_else(|| Value::Array(Vec::new()));
    let Value::Array(mut services) = services else { return Err(wrong("`service` is no list")) };
    let is_it = |service: &&mut Value| service.get("id").and_then(Value::as_str) == Some(&args.service);
    match services.iter_mut().find(is_it).and_then(Value::as_table_mut) {
        Some(known) => match known.entry("hosts").or_insert_with(|| Value::Array(Vec::new())) {
            Value::Array(hosts) => hosts.push(host(args, by)),
            _ => return Err(wrong("`hosts` is no list")),
        },
        None => services.push(service(args, by)),
    }
    services.sort_by_key(|service| service.get("id").map(Value::to_string));
    let top: String =
        text.lines().take_while(|line| line.starts_with('#')).map(|line| format!("{line}\n")).collect();
    let mut written = if top.is_empty() { TOP.to_owned() } else { top };
    for (key, value) in &file {
        writeln!(written, "{} = {value}", key_text(key))?;
    }
    for service in services.iter().filter_map(Value::as_table) {
        write_service(service, &mut written)?;
    }
    Ok(written)
}

/// A service as people write it: its hosts last, each on a line.
fn write_service(service: &Table, out: &mut String) -> std::fmt::Result {
    writeln!(out, "\n[[service]]")?;
    let first = FIRST.iter().filter_map(|&key| service.get_key_value(key));
    let rest = service.iter().filter(|(key, _)| key.as_str() != "hosts" && !FIRST.contains(&key.as_str()));
    for (key, value) in first.chain(rest) {
        writeln!(out, "{} = {value}", key_text(key))?;
    }
    let hosts = service.get("hosts").and_then(Value::as_array);
    let lines = hosts.into_iter().flatten().map(|host| format!("{}\n", line(host)));
    writeln!(out, "hosts = [\n{}]", lines.collect::<String>())
}

/// A host's line.
fn line(host: &Value) -> String {
    let Some(fields) = host.as_table() else { return format!("    {host},") };
    let order = ["suffix", "role", "strength", "source", "date"];
    let first = order.iter().filter_map(|&key| fields.get_key_value(key));
    let rest = fields.iter().filter(|(key, _)| !order.contains(&key.as_str()));
    let fields: Vec<String> =
        first.chain(rest).map(|(key, value)| format!("{} = {value}", key_text(key))).collect();
    format!("    {{ {} }},", fields.join(", "))
}

/// A key, in quotes where it needs them.
fn key_text(key: &str) -> String {
    let bare = !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    if bare { key.to_owned() } else { text(key).to_string() }
}

fn service(args: &Args, by: &str) -> Value {
    let name = args.name.as_deref().unwrap_or(&args.service);
    let access = if args.role == Role::Api { "api" } else { "web" };
    let fields = [
        ("id", text(&args.service)),
        ("name", text(name)),
        ("vendor", text(args.vendor.as_deref().unwrap_or(name))),
        ("category", text(args.category.as_str())),
        ("access", Value::Array(vec![text(access)])),
        ("modality", Value::Array(vec![text("text")])),
        ("hosts", Value::Array(vec![host(args, by)])),
    ];
    Value::Table(fields.map(|(key, value)| (key.to_owned(), value)).into_iter().collect())
}

fn host(args: &Args, by: &str) -> Value {
    let date = Zoned::now().date().to_string().parse().map_or_else(|_| text(""), Value::Datetime);
    let fields = [
        ("suffix", text(&args.domain)),
        ("role", text(args.role.as_str())),
        ("strength", text("likely")),
        ("source", text(&format!("candidate, accepted by {by}"))),
        ("date", date),
    ];
    Value::Table(fields.map(|(key, value)| (key.to_owned(), value)).into_iter().collect())
}

fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}
