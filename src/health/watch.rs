//! Looks at both sides and answers for them.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ingest::deliver::QUEUES;
use ingest::judge::FindingsDb;

use super::block::HealthChoice;
use super::exposition;
use super::metrics;
use super::parts::Parts;
use super::queues::Look;
use super::server::{self, Answer, Pages};
use super::status::{self, Status};
use super::verdict::{Seen, Verdict};
use crate::config::Setup;
use crate::exit::Failure;
use crate::terminal;
use crate::time;

/// The server of `/healthz` and `/metrics`.
pub(crate) struct Health;

impl Health {
    /// Starts the server where the configuration has it, on a thread that ends with the process. The address that
    /// nobody asked for may be taken, by a second sensor for example: then there is a warning and no server.
    pub(crate) fn start(setup: &Setup, parts: Parts) -> Result<(), Failure> {
        let Some(address) = setup.health.listen else { return Ok(()) };
        let listener = match TcpListener::bind(address) {
            Ok(listener) => listener,
            Err(error) if setup.health.asked => return Err(Failure::Failed(taken(address, &error))),
            Err(error) => {
                terminal::warning(&format!("no /healthz and /metrics: {}", taken(address, &error)));
                return Ok(());
            }
        };
        let spool = setup.data_dir.join("spool");
        let folders = QUEUES.iter().map(|&queue| (queue, spool.join(queue))).collect();
        let looking = Looking {
            place: status::place(&spool),
            look: Mutex::new(Look::new(folders, Some(FindingsDb::open(&setup.data_dir)?))),
            parts,
            choice: setup.health,
            gathers: setup.store.gather(),
        };
        let pages: Pages = Arc::new(move |path| looking.page(path));
        Ok(server::serve(listener, pages)?)
    }
}

fn taken(address: SocketAddr, error: &std::io::Error) -> String {
    format!("cannot listen on {address}: {error}; name another with health.listen, or \"none\"")
}

struct Looking {
    place: PathBuf,
    look: Mutex<Look>,
    parts: Parts,
    choice: HealthChoice,
    gathers: Duration,
}

impl Looking {
    fn page(&self, path: &str) -> Option<Answer> {
        if !matches!(path, "/healthz" | "/metrics") {
            return None;
        }
        let seen = self.seen();
        let verdict = Verdict::of(&seen, &self.choice, self.gathers);
        if path == "/metrics" {
            let (content_type, body) = (exposition::CONTENT_TYPE, metrics::page(&seen, &verdict));
            return Some(Answer { well: true, content_type, body });
        }
        let body = serde_json::to_string_pretty(&verdict).unwrap_or_default() + "\n";
        Some(Answer { well: verdict.is_well(), content_type: "application/json", body })
    }

    fn seen(&self) -> Seen {
        let status = Status::read(&self.place).map(|told| told.map(Box::new)).map_err(|e| e.to_string());
        let told = status.as_ref().ok().and_then(|told| told.as_ref()).map_or(0, |status| status.told);
        // Both sides read the same clock. One that was set back makes a status young, until the next second.
        let age = u64::try_from(time::now().saturating_sub(told)).unwrap_or(0);
        let waiting = self.look.lock().unwrap_or_else(PoisonError::into_inner).waiting().clone();
        Seen { status, age: Duration::from_micros(age), waiting, parts: self.parts.all() }
    }
}
