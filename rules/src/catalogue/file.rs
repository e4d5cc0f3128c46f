//! The file format of the catalogue. `docs/catalogue.md` explains it to authors.

use std::str::FromStr;

use super::{
    host,
    service::{Access, Kind, Pattern, Service, Vetting},
};
use crate::{
    fault::{Fault, UnknownWord},
    file::{Block, Word},
};

/// All services of one file, in the order of the file.
pub(super) fn read(file: &str, text: &str) -> Result<Vec<Service>, Fault> {
    let mut root = Block::read(file, text)?;
    let blocks = root.blocks("service")?;
    root.close()?;
    blocks.into_iter().map(|block| service(file, block)).collect()
}

fn service(file: &str, mut block: Block<'_>) -> Result<Service, Fault> {
    let service = Service {
        id: id(block.need("id")?)?,
        name: block.need("name")?.text,
        vendor: block.need("vendor")?.text,
        category: block.need("category")?.parse()?,
        access: some(&mut block, "access")?,
        modality: some(&mut block, "modality")?,
        country: block.word("country")?.map(country).transpose()?,
        homepage: block.word("homepage")?.map(homepage).transpose()?,
        note: block.word("note")?.map(|word| word.text),
        vetting: block.block("vetting")?.map(vetting).transpose()?,
        patterns: patterns(file, &mut block)?,
        file: file.to_owned(),
        line: block.at.line,
    };
    // Servers on the local network have no name of their own: their endpoints tell them (`super::local`).
    if service.patterns.is_empty() && service.access != [Access::Local] {
        return Err(block.at.below("hosts").fault("missing: a service without a host can never be found"));
    }
    block.close()?;
    Ok(service)
}

fn vetting(mut block: Block<'_>) -> Result<Vetting, Fault> {
    let vetting = Vetting {
        retention: block.word("retention")?.map(|word| word.text),
        training: block.word("training")?.map(|word| word.text),
        certifications: block.words("certifications")?.into_iter().flatten().map(|word| word.text).collect(),
        source: block.need("source")?.text,
    };
    if vetting.retention.is_none() && vetting.training.is_none() && vetting.certifications.is_empty() {
        return Err(block.at.fault("says nothing: give retention, training or certifications, or leave it out"));
    }
    block.close()?;
    Ok(vetting)
}

fn patterns(file: &str, service: &mut Block<'_>) -> Result<Vec<Pattern>, Fault> {
    let hosts = service.blocks("hosts")?;
    hosts.into_iter().map(|host| pattern(file, host)).collect()
}

fn pattern(file: &str, mut block: Block<'_>) -> Result<Pattern, Fault> {
    let (kind, word) = kind(&mut block)?;
    let pattern = Pattern {
        text: host_text(kind, word)?,
        kind,
        role: block.need("role")?.parse()?,
        strength: block.need("strength")?.parse()?,
        plan: block.word("plan")?.map(|word| word.parse()).transpose()?,
        tenant: block.flag("tenant")?.unwrap_or(false),
        source: block.need("source")?.text,
        date: match block.date("date")? {
            Some(date) => date,
            None => {
                return Err(block
                    .at
                    .below("date")
                    .fault("missing: write the day of judgement, such as 2026-11-20"));
            }
        },
        file: file.to_owned(),
        line: block.at.line,
        note: block.word("note")?.map(|word| word.text),
    };
    if pattern.tenant && kind == Kind::Exact {
        return Err(block
            .at
            .below("tenant")
            .fault("an exact host holds no customer's label: write suffix = or glob ="));
    }
    block.close()?;
    Ok(pattern)
}

/// A host line begins with its kind: `suffix = "..."`, `exact = "..."` or `glob = "..."`.
fn kind(block: &mut Block<'_>) -> Result<(Kind, Word), Fault> {
    let mut found = [
        (Kind::Suffix, block.word("suffix")?),
        (Kind::Exact, block.word("exact")?),
        (Kind::Glob, block.word("glob")?),
    ]
    .into_iter()
    .filter_map(|(kind, word)| Some((kind, word?)));
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one),
        (None, _) => {
            Err(block.at.fault("no host: begin the line with suffix = \"...\", exact = \"...\" or glob = \"...\""))
        }
        (Some(_), Some(_)) => Err(block.at.fault("two hosts in one entry: give each host its own line")),
    }
}

fn host_text(kind: Kind, word: Word) -> Result<String, Fault> {
    let stars = word.text.contains('*');
    match kind {
        Kind::Glob if !stars => {
            return Err(word.at.fault("a glob without `*`: write exact = or suffix ="));
        }
        Kind::Suffix | Kind::Exact if stars => {
            return Err(word.at.fault("`*` stands in a glob only: write glob ="));
        }
        _ => {}
    }
    let plain = word.text.replace('*', "x");
    if host::normalise(&plain).as_deref() != Some(plain.as_str()) {
        return Err(word.at.fault(format!(
            "{:?} is not a plain host name: write lower-case ASCII labels (xn-- for others) without port, path or trailing dot",
            word.text
        )));
    }
    if word.text.contains("**") {
        return Err(word.at.fault("`**` means no more than `*`: a star never crosses a dot"));
    }
    if !plain.contains('.') {
        return Err(word
            .at
            .fault("a single label would match a whole top-level domain: write at least two labels"));
    }
    Ok(word.text)
}

fn some<T: FromStr<Err = UnknownWord>>(block: &mut Block<'_>, key: &'static str) -> Result<Vec<T>, Fault> {
    match block.words(key)? {
        Some(words) => words.iter().map(Word::parse).collect(),
        None => Err(block.at.below(key).fault("missing: name at least one")),
    }
}

fn id(word: Word) -> Result<String, Fault> {
    let good = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
    if word.text.bytes().all(good) && !word.text.starts_with('-') && !word.text.ends_with('-') {
        Ok(word.text)
    } else {
        Err(word
            .at
            .fault(format!("{:?} is not an id: use lower-case letters, digits and inner hyphens", word.text)))
    }
}

fn country(word: Word) -> Result<String, Fault> {
    if word.text.len() == 2 && word.text.bytes().all(|byte| byte.is_ascii_uppercase()) {
        Ok(word.text)
    } else {
        Err(word.at.fault(format!("{:?} is not a country code: write two capitals, such as US", word.text)))
    }
}

fn homepage(word: Word) -> Result<String, Fault> {
    if word.text.starts_with("https://") { Ok(word.text) } else { Err(word.at.fault("must begin with https://")) }
}
