//! `shadowtap completions`: what a shell completes, from the command line as it is.

use clap::CommandFactory;
use clap_complete::{Shell, generate};

use crate::cli::Cli;
use crate::exit::{Done, Outcome};
use crate::terminal::Output;

/// Arguments of `completions`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  shadowtap completions bash > ~/.local/share/bash-completion/completions/shadowtap
  shadowtap completions zsh > ~/.zfunc/_shadowtap              a folder of $fpath
  shadowtap completions fish > ~/.config/fish/completions/shadowtap.fish

The Debian package has all three in place.")]
pub(crate) struct Args {
    /// Whose words
    #[arg(value_enum)]
    shell: Shell,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> Outcome {
    let mut script = Vec::new();
    generate(args.shell, &mut Cli::command(), "shadowtap", &mut script);
    let mut out = Output::new();
    out.write(&script)?;
    out.finish()?;
    Ok(Done::Clean)
}
