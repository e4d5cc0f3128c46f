//! `candidates accept`: a domain becomes a line of the organisation's own catalogue folder.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use jiff::Zoned;
use rules::catalogue::infra::Infra;
use rules::catalogue::{self, Catalogue, CatalogueError, Category, Level, Role};

use crate::config::{Setup, SetupArgs};
use crate::exit::{Done, Failure, Outcome};
use crate::terminal::Output;

/// The file of the folder that holds what was accepted.
const FILE: &str = "accepted.toml";

/// Arguments of `candidates accept`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Registrable domain, as `candidates list` prints it
    #[arg(value_parser = super::domain)]
    domain: String,
    /// Id of the service: lower-case letters, digits, hyphens
    #[arg(long, value_name = "ID")]
    service: String,
    /// What people call it [default: the id]
    #[arg(long)]
    name: Option<String>,
    /// Who runs it [default: the name]
    #[arg(long)]
    vendor: Option<String>,
    /// What it is mainly for
    #[arg(long, default_value = "chat", value_parser = |text: &str| text.parse::<Category>().map_err(|e| e.to_string()))]
    category: Category,
    /// What its hosts do
    #[arg(long, default_value = "app", value_parser = |text: &str| text.parse::<Role>().map_err(|e| e.to_string()))]
    role: Role,
    /// Who decided [default: the user's name]
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    #[command(flatten)]
    setup: SetupArgs,
}

/// Runs the command. The whole catalogue is checked before a byte is written.
pub(super) fn run(args: &Args) -> Outcome {
    let folder = folder(args)?;
    let mut files: BTreeMap<String, String> =
        Catalogue::builtin_files().iter().map(|&(name, text)| (name.to_owned(), text.to_owned())).collect();
    match catalogue::read_folder(&folder) {
        Ok(own) => files.extend(own),
        Err(CatalogueError::Empty(_)) => {}
        Err(e) => return Err(Failure::usage(e)),
    }
    let before = parse(&files)?;
    let mut out = Output::new();
    if let Some(hit) = before.find(&args.domain) {
        if hit.service.id != args.service {
            let (owner, file) = (&hit.service.id, &hit.pattern.file);
            return Err(Failure::Usage(format!("{} is known: it belongs to {owner} ({file})", args.domain)));
        }
        out.line(format_args!("{} is a host of {} already", args.domain, args.service))?;
        out.finish()?;
        return Ok(Done::Clean);
    }
    refuse(args, &before)?;
    let accepted = files.get(FILE).map_or_else(String::new, Clone::clone);
    let text = with(&accepted, args);
    files.insert(FILE.to_owned(), text.clone());
    let after = check(&files)?;
    fs::create_dir_all(&folder)?;
    ingest::files::write_whole_among_others(&folder.join(FILE), text.as_bytes())?;
    out.line(format_args!("{} is a host of {} now: {}", args.domain, args.service, folder.join(FILE).display()))?;
    out.line(format_args!("catalogue {}: no errors; `run` takes it up on SIGHUP", after.version()))?;
    out.finish()?;
    Ok(Done::Clean)
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
fn refuse(args: &Args, before: &Catalogue) -> Result<(), Failure> {
    if let Some(hit) = Infra::builtin().find(&args.domain) {
        let (what, class) = (hit.what, hit.class);
        return Err(Failure::Usage(format!("{} is no AI service but {what} ({class})", args.domain)));
    }
    match before.service(&args.service) {
        Some(known) if known.file != FILE => Err(Failure::Usage(format!(
            "{} stands in {}: copy that file into the folder and add the line\n{}",
            known.id,
            known.file,
            host(args)
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

/// The file's text with one host more. Services stand by id, hosts in the order of acceptance.
fn with(text: &str, args: &Args) -> String {
    const HEAD: &str = "[[service]]\n";
    let mut pieces = text.split(HEAD).map(str::to_owned);
    let top = pieces.next().filter(|top| !top.trim().is_empty());
    let id = |block: &str| block.lines().find_map(|line| line.strip_prefix("id = ")).map(str::to_owned);
    let mut blocks: BTreeMap<Option<String>, String> = pieces.map(|block| (id(&block), block)).collect();
    let key = Some(quoted(&args.service));
    match blocks.get_mut(&key) {
        Some(block) => {
            let end = block.rfind("\n]").map_or(block.len(), |at| at + 1);
            block.insert_str(end, &format!("{}\n", host(args)));
        }
        None => {
            blocks.insert(key, service(args));
        }
    }
    let top = top.unwrap_or_else(|| "# Accepted with `shadowtap candidates accept`.\n\n".to_owned());
    let blocks: Vec<String> = blocks.into_values().map(|block| format!("{HEAD}{}\n", block.trim_end())).collect();
    format!("{top}{}", blocks.join("\n"))
}

fn service(args: &Args) -> String {
    let name = args.name.as_deref().unwrap_or(&args.service);
    let access = if args.role == Role::Api { "api" } else { "web" };
    format!(
        "id = {}\nname = {}\nvendor = {}\ncategory = \"{}\"\naccess = [\"{access}\"]\nmodality = [\"text\"]\nhosts = [\n{}\n]\n",
        quoted(&args.service),
        quoted(name),
        quoted(args.vendor.as_deref().unwrap_or(name)),
        args.category,
        host(args),
    )
}

fn host(args: &Args) -> String {
    let by = args.by.clone().or_else(|| std::env::var("USER").ok()).unwrap_or_else(|| "an unnamed user".to_owned());
    format!(
        "    {{ suffix = \"{}\", role = \"{}\", strength = \"likely\", source = {}, date = {} }},",
        args.domain,
        args.role,
        quoted(&format!("candidate, accepted by {by}")),
        Zoned::now().date(),
    )
}

/// A TOML string.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}
