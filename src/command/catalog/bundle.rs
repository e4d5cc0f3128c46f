//! `catalog keygen` and `catalog seal`: signed bundles of catalogue files.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use ingest::files::write_whole_among_others;
use jiff::Zoned;
use rules::catalogue::bundle::{Bundle, Contents, Mode, SigningKey};
use rules::catalogue::read_folder;

use crate::exit::{Done, Failure, Outcome};
use crate::terminal::Output;

/// Arguments of `catalog seal`.
#[derive(Debug, clap::Args)]
pub(super) struct SealArgs {
    /// Folder of catalogue files
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Key file that `catalog keygen` made
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Counts up with each bundle; sensors refuse one that is not newer
    #[arg(long, value_name = "N")]
    serial: u64,
    /// The bundle to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The bundle's files alone are the catalogue; without this they extend the compiled-in ones
    #[arg(long)]
    replace: bool,
}

/// Writes `NAME.key`, for its owner alone, and `NAME.pub`. Never over an existing file.
pub(super) fn keygen(name: &Path) -> Outcome {
    let key = SigningKey::generate().map_err(Failure::usage)?;
    let with = |extension: &str| PathBuf::from(format!("{}.{extension}", name.display()));
    let (secret, public) = (with("key"), with("pub"));
    create(&secret, 0o600, &key.to_text())?;
    create(&public, 0o644, &key.public().to_text())?;
    let mut out = Output::new();
    out.line(format_args!("{}: keep it secret, whoever reads it can sign", secret.display()))?;
    out.line(format_args!(
        "{}: name it as `public_key` under [bundle] in the sensors' configuration",
        public.display()
    ))?;
    out.finish()?;
    Ok(Done::Clean)
}

fn create(path: &Path, mode: u32, text: &str) -> Result<(), Failure> {
    let cannot = |e| Failure::Failed(format!("cannot write {}: {e}", path.display()));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path).map_err(cannot)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(cannot)
}

/// Signs the files of a folder.
pub(super) fn seal(args: &SealArgs) -> Outcome {
    let key = SigningKey::load(&args.key).map_err(Failure::usage)?;
    let contents = Contents {
        serial: args.serial,
        created: Zoned::now().date(),
        mode: if args.replace { Mode::Replace } else { Mode::Extend },
        files: read_folder(&args.folder).map_err(Failure::usage)?.into_iter().collect(),
    };
    let bytes = Bundle::seal(&contents, &key).map_err(Failure::usage)?;
    // What a sensor would refuse is not written.
    let bundle = Bundle::open(&bytes, &key.public(), None).map_err(Failure::usage)?;
    write_whole_among_others(&args.out, &bytes)?;
    let mut out = Output::new();
    out.line(format_args!(
        "{}: serial {}, catalogue {}, {} services",
        args.out.display(),
        args.serial,
        bundle.catalogue.version(),
        bundle.catalogue.services().len()
    ))?;
    out.finish()?;
    Ok(Done::Clean)
}
