//! `shadowtap store`: the SQL with which an administrator prepares a ClickHouse server or cluster.

use clap::Subcommand;
use ingest::store::clickhouse::{Ddl, Grants};

use crate::config::{Setup, SetupArgs};
use crate::exit::{Done, Failure, Outcome};
use crate::store::StoreChoice;
use crate::terminal::Output;

/// The database where the configuration names no server.
const DATABASE: &str = "shadowtap";

/// Arguments of `store`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  shadowtap store schema                              what the program makes by itself on one server
  shadowtap store schema --cluster '{cluster}'        the same for a cluster, where the program makes nothing
  shadowtap store grants --reader grafana             users, rights, limits
  shadowtap store grants --reader hq --site hq        a reader who sees one site alone

Both print SQL and ask no server: read it, then `| clickhouse-client`. Database and ages are those of \
the configuration. Run a schema again after each update of the program; nothing is made twice.")]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Print the statements that make the database and its tables
    Schema {
        /// For this cluster of the server's configuration: replicated and
        /// distributed tables. A macro such as '{cluster}' works
        #[arg(long, value_name = "NAME")]
        cluster: Option<String>,
        #[command(flatten)]
        setup: SetupArgs,
    },
    /// Print the statements that make the users of sensors and readers
    Grants {
        /// The reader sees this site alone (may be given several times)
        #[arg(long, value_name = "SITE")]
        site: Vec<String>,
        /// User who reads: reports, Grafana
        #[arg(long, value_name = "NAME", default_value = "reader")]
        reader: String,
        /// User of the sensors
        #[arg(long, value_name = "NAME", default_value = "writer")]
        writer: String,
        /// On all servers of this cluster
        #[arg(long, value_name = "NAME")]
        cluster: Option<String>,
        #[command(flatten)]
        setup: SetupArgs,
    },
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> Outcome {
    let sql = match &args.action {
        Action::Schema { cluster, setup } => ddl(setup, cluster)?.schema(),
        Action::Grants { site, reader, writer, cluster, setup } => {
            let who = Grants { writer: writer.clone(), reader: reader.clone(), sites: site.clone() };
            ddl(setup, cluster)?.grants(&who)
        }
    };
    let mut out = Output::new();
    out.line(sql.map_err(Failure::usage)?.trim_end())?;
    out.finish()?;
    Ok(Done::Clean)
}

fn ddl(setup: &SetupArgs, cluster: &Option<String>) -> Result<Ddl, Failure> {
    let (database, keep) = match Setup::load(setup)?.store {
        StoreChoice::ClickHouse { target, keep, .. } => (target.database.clone(), keep),
        StoreChoice::Embedded(keep) => (DATABASE.to_owned(), keep),
    };
    Ok(Ddl { database, cluster: cluster.clone(), keep })
}
