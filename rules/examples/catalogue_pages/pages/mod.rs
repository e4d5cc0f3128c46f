//! The pages of `docs/catalogue/` as text: which there are, and the index of them.

mod service;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
};

use rules::catalogue::{Catalogue, Category, Service};

/// The services that most organisations meet first: assistants and interfaces by reach in offices, then the
/// largest of each other kind. A judgement, kept by hand.
#[rustfmt::skip]
pub(crate) const BIGGEST: &[&str] = &[
    "chatgpt", "openai-api", "sora", "claude", "anthropic-api", "gemini", "google-ai-api", "google-ai-studio",
    "notebooklm", "gemini-code-assist", "microsoft-copilot", "microsoft-365-copilot", "azure-openai",
    "copilot-studio", "github-copilot", "github-models", "amazon-bedrock", "amazon-q", "perplexity", "deepseek",
    "qwen", "doubao", "kimi", "mistral", "grok", "meta-ai", "huggingface", "cursor", "windsurf", "replit",
    "lovable", "grammarly", "deepl", "elevenlabs", "midjourney", "character-ai", "poe", "otter", "gamma",
    "openrouter",
];

/// The pages in the folder that are written by hand.
const BY_HAND: [&str; 2] = ["cannot-say.md", "public-lists.md"];

/// How to make the pages again.
pub(crate) const COMMAND: &str = "cargo run -p rules --example catalogue_pages";

/// Where the pages stand.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/catalogue")
}

/// The names of the generated pages that are there.
pub(crate) fn files(folder: &Path) -> io::Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".md") && !BY_HAND.contains(&name.as_str()) {
            names.insert(name);
        }
    }
    Ok(names)
}

/// Every page by file name. Fails when one of the biggest services is not in the catalogue.
pub(crate) fn all(catalogue: &Catalogue) -> Result<BTreeMap<String, String>, String> {
    let mut pages: BTreeMap<String, String> = BTreeMap::new();
    let mut index = Vec::new();
    for id in BIGGEST {
        let service = catalogue.service(id).ok_or(format!("{id} is no service of the catalogue"))?;
        let name = page_of(service);
        index.push((service, name.clone()));
        pages.entry(name).or_insert_with(|| page(catalogue, service));
    }
    pages.insert("README.md".to_owned(), contents(&index));
    Ok(pages)
}

/// An owner's file makes an owner's page; a service out of a category's file has a page of its own.
fn page_of(service: &Service) -> String {
    let stem = service.file.trim_end_matches(".toml");
    format!("{}.md", if is_category(service) { &service.id } else { stem })
}

fn is_category(service: &Service) -> bool {
    service.file.trim_end_matches(".toml").parse::<Category>().is_ok()
}

fn page(catalogue: &Catalogue, service: &Service) -> String {
    let services: Vec<&Service> = if is_category(service) {
        vec![service]
    } else {
        catalogue.services().iter().filter(|other| other.file == service.file).collect()
    };
    let mut text = format!("<!-- Made from rules/catalog/{} by `{COMMAND}`: do not edit. -->\n\n", service.file);
    text += &format!("# {}\n", owners(&services));
    for service in services {
        text += &service::section(service);
    }
    text
}

fn owners(services: &[&Service]) -> String {
    let vendors: BTreeSet<&str> = services.iter().map(|service| service.vendor.as_str()).collect();
    vendors.into_iter().collect::<Vec<_>>().join(", ")
}

fn contents(index: &[(&Service, String)]) -> String {
    let mut text = format!("<!-- Made from rules/catalog/ by `{COMMAND}`: do not edit. -->\n\n");
    text += "# The biggest services, host by host\n\n";
    text += "What each host does, how sure that is and who says so. How to read it: [the catalogue](../catalogue.md). \
             What no host name can tell of any service: [what this cannot say](cannot-say.md).\n\n";
    text += "| service | vendor | category | hosts | page |\n|---|---|---|---|---|\n";
    for (service, page) in index {
        text += &format!(
            "| {} | {} | {} | {} | [{page}]({page}#{}) |\n",
            service.name,
            service.vendor,
            service.category,
            service.patterns.len(),
            service.id
        );
    }
    text
}
