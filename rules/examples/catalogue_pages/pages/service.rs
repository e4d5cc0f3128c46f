//! One service: its facts, what its names cannot tell, its hosts by role with sources.

use rules::catalogue::{Kind, Pattern, Role, Service, Strength, Vetting};

/// The section of one service.
pub(crate) fn section(service: &Service) -> String {
    let mut text = format!("\n<a id=\"{}\"></a>\n\n## {}\n\n{}\n", service.id, service.name, facts(service));
    if let Some(vetting) = &service.vetting {
        text += &format!("\n### What the vendor promises\n\n{}", promises(vetting));
    }
    text += "\n### What names cannot tell\n\n";
    for limit in limits(service) {
        text += &format!("- {limit}\n");
    }
    text += "\n### Hosts\n";
    for &role in Role::ALL {
        let hosts: Vec<&Pattern> = service.patterns.iter().filter(|pattern| pattern.role == role).collect();
        if !hosts.is_empty() {
            text += &table(role, &hosts);
        }
    }
    text
}

fn facts(service: &Service) -> String {
    let mut facts = vec![format!("`{}`", service.id), service.category.to_string()];
    facts.push(format!("reached by {}", words(&service.access)));
    facts.push(words(&service.modality));
    facts.extend(service.country.iter().map(|country| format!("vendor in {country}")));
    facts.extend(service.homepage.iter().map(|page| format!("<{page}>")));
    facts.join(" · ")
}

fn promises(vetting: &Vetting) -> String {
    let mut text = String::new();
    for (what, said) in [("Retention", &vetting.retention), ("Training", &vetting.training)] {
        text += &said.as_ref().map_or(String::new(), |said| format!("- {what}: {}\n", cell(said)));
    }
    if !vetting.certifications.is_empty() {
        text += &format!("- Certifications: {}\n", cell(&vetting.certifications.join(", ")));
    }
    text + &format!("- Source: {}\n", cell(&vetting.source))
}

/// Limits that follow from the data, after the one that its author wrote.
fn limits(service: &Service) -> Vec<String> {
    let mut limits: Vec<String> = service.note.iter().map(|note| cell(note)).collect();
    let of = |pick: &dyn Fn(&Pattern) -> bool| -> Vec<String> {
        service.patterns.iter().filter(|pattern| pick(pattern)).map(shown).collect()
    };
    let plans = of(&|pattern| pattern.plan.is_some());
    limits.push(if plans.is_empty() {
        "No host tells the licence: personal and company accounts look alike.".to_owned()
    } else {
        format!("The licence can be told on {} alone.", list(&plans))
    });
    let tenants = of(&|pattern| pattern.tenant);
    if !tenants.is_empty() {
        limits
            .push(format!("The name holds a customer's own label, which may be anybody's, on {}.", list(&tenants)));
    }
    let shared = of(&|pattern| pattern.role == Role::Shared && pattern.strength != Strength::Weak);
    if !shared.is_empty() {
        limits
            .push(format!("Other things run there too, so contact is `shared` and never use: {}.", list(&shared)));
    }
    match of(&|pattern| pattern.strength == Strength::Weak).len() {
        0 => {}
        1 => limits.push("One host is weak: contact with it says nothing about use.".to_owned()),
        weak => limits.push(format!("{weak} hosts are weak: contact with them says nothing about use.")),
    }
    limits
}

fn table(role: Role, hosts: &[&Pattern]) -> String {
    let mut text = format!(
        "\n**{role}**: {}\n\n| host | strength | source | judged | note |\n|---|---|---|---|---|\n",
        meaning(role)
    );
    for host in hosts {
        let plan = host.plan.map(|plan| format!("licence: {plan}"));
        let notes: Vec<String> = plan.into_iter().chain(host.note.as_deref().map(cell)).collect();
        text += &format!(
            "| {} | {} | {} | {} | {} |\n",
            shown(host),
            host.strength,
            cell(&host.source),
            host.date,
            notes.join("; ")
        );
    }
    text
}

fn meaning(role: Role) -> &'static str {
    match role {
        Role::App => "people type here",
        Role::Api => "programs ask here",
        Role::Upload => "files go up here",
        Role::Download => "results or programs come down",
        Role::Cdn => "static content, marketing, documentation",
        Role::Auth => "sign-in",
        Role::Telemetry => "counters, crash reports, feature flags; never use",
        Role::ModelRegistry => "model weights come down",
        Role::Shared => "also serves what is not AI",
    }
}

fn shown(pattern: &Pattern) -> String {
    match pattern.kind {
        Kind::Suffix => format!("`{}` and below", pattern.text),
        Kind::Exact | Kind::Glob => format!("`{}`", pattern.text),
    }
}

/// Text in one cell of a table: a bar would end it.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

fn words(words: &[impl ToString]) -> String {
    words.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn list(items: &[String]) -> String {
    match items.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => items.join(""),
    }
}
