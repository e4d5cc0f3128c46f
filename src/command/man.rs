//! `shadowtap man`: the manual, a page for each command, from the help as it is.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::{Command, CommandFactory};
use clap_mangen::Man;

use crate::cli::Cli;
use crate::exit::{Done, Failure, Outcome};

/// Arguments of `man`. It is for those who build packages.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Folder for the pages; it is made where it is missing
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> Outcome {
    let cannot = |e: io::Error| Failure::Failed(format!("cannot write the manual to {}: {e}", args.out.display()));
    fs::create_dir_all(&args.out).map_err(cannot)?;
    // Its page would say no more than the others do.
    let mut all = Cli::command().disable_help_subcommand(true);
    all.build();
    write(&all, &args.out).map_err(cannot)?;
    Ok(Done::Clean)
}

/// The page of a command, and those of all below it.
fn write(command: &Command, dir: &Path) -> io::Result<()> {
    let man = Man::new(command.clone());
    fs::write(dir.join(man.get_filename()), page(command, &man)?)?;
    command.get_subcommands().filter(|below| !below.is_hide_set()).try_for_each(|below| write(below, dir))
}

fn page(command: &Command, man: &Man) -> io::Result<Vec<u8>> {
    let name = command.get_display_name().unwrap_or("shadowtap").to_uppercase();
    // The library leaves an absent date out, and what follows takes its place.
    let title = format!(".TH {name} 1 \"\" \"shadowtap {}\" shadowtap\n", env!("CARGO_PKG_VERSION"));
    let mut page = title.into_bytes();
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    if let Some(help) = command.get_after_help() {
        page.extend_from_slice(behind(&help.to_string()).as_bytes());
    }
    page.extend_from_slice(FOOT.as_bytes());
    Ok(page)
}

/// What stands behind the options: examples line for line, everything else as paragraphs.
fn behind(help: &str) -> String {
    let mut text = String::new();
    let mut heading = ".SH NOTES\n";
    for block in help.split("\n\n") {
        match block.strip_prefix("Examples:\n") {
            Some(examples) => text += &format!(".SH EXAMPLES\n.nf\n{}.fi\n", lines(examples)),
            None => {
                text += &format!("{heading}{}", lines(block));
                heading = ".PP\n";
            }
        }
    }
    text
}

/// As roff takes them: none is a request, no hyphen becomes a dash.
fn lines(block: &str) -> String {
    let escaped = |line: &str| line.replace('\\', "\\e").replace('-', "\\-");
    block.lines().map(|line| format!("\\&{}\n", escaped(line))).collect()
}

const FOOT: &str = r#".SH FILES
.TP
.I /etc/shadowtap/shadowtap.toml
The configuration. The services read it, and each command to which \fB\-\-config\fR names it.
.TP
.I /var/lib/shadowtap
Spool, store, findings and reports of the services.
.TP
.I /usr/share/doc/shadowtap
The documentation, with examples of a policy.
.SH SEE ALSO
.BR shadowtap (1)
"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_stay_lines_and_no_line_is_a_request() {
        let page = behind("Examples:\n  a --b      c\n\n.x 'y\nback\\slash");
        assert_eq!(page, ".SH EXAMPLES\n.nf\n\\&  a \\-\\-b      c\n.fi\n.SH NOTES\n\\&.x 'y\n\\&back\\eslash\n");
    }
}
