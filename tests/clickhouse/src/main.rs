//! `chdb-front LIBRARY DATA_DIR [PORT [CONFIG]]`: the real ClickHouse engine (libchdb) behind as much of ClickHouse's HTTP
//! interface as a client needs. For tests alone: one process per data folder, no users, loopback only.
//!
//! Prints the address that it listens on as its first line. SIGTERM closes the engine and ends it, and so does the end
//! of its input: it does not outlive the test that started it.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a test program speaks to the test that started it")]

mod compression;
mod engine;
mod http;
mod interface;

use std::io::{BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use engine::Engine;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// How long the query at work may take when all is over.
const LAST: Duration = Duration::from_secs(20);

type Shared = Arc<Mutex<Option<Engine>>>;

fn main() -> ExitCode {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let ended = match arguments.as_slice() {
        [library, data, rest @ ..] if rest.len() < 3 => {
            match rest.first().map_or(Ok(0), |port| port.to_string_lossy().parse()) {
                Ok(port) => serve(library, data, port, rest.get(1)),
                Err(_) => Err("PORT is no number".into()),
            }
        }
        _ => Err("usage: chdb-front LIBRARY DATA_DIR [PORT [CONFIG]]".into()),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("chdb-front: {why}");
            ExitCode::FAILURE
        }
    }
}

fn serve(
    library: &Path,
    data: &Path,
    port: u16,
    config: Option<&PathBuf>,
) -> Result<(), Box<dyn std::error::Error>> {
    // Each part of a table is some files, and parts of many tests are open at once.
    let most = rustix::process::getrlimit(rustix::process::Resource::Nofile).maximum;
    let limit = rustix::process::Rlimit { current: most, maximum: most };
    rustix::process::setrlimit(rustix::process::Resource::Nofile, limit)?;
    let mut signals = Signals::new([SIGTERM, SIGINT])?;
    let engine: Shared = Arc::new(Mutex::new(Some(Engine::open(library, data, config.map(PathBuf::as_path))?)));
    let listener = TcpListener::bind(("127.0.0.1", port))?;
    println!("{}", listener.local_addr()?);
    std::io::stdout().flush()?;
    let shared = engine.clone();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let engine = shared.clone();
            // A client that goes away is its own business.
            thread::spawn(move || converse(&stream, &engine));
        }
    });
    let handle = signals.handle();
    thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        handle.close();
        // A query that never ends must not keep the process.
        thread::sleep(LAST);
        std::process::exit(1);
    });
    signals.forever().next();
    // Waits for the query at work, then closes the data folder in order.
    drop(engine.lock().unwrap_or_else(PoisonError::into_inner).take());
    Ok(())
}

/// Answers the requests of one connection, one after the other.
fn converse(stream: &TcpStream, engine: &Shared) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    let mut writer = stream;
    while let Some(request) = http::read(&mut reader)? {
        let mut engine = engine.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(engine) = engine.as_mut() else { return Ok(()) };
        let answer = interface::answer(engine, &request);
        http::write(&mut writer, &answer)?;
        if request.last {
            break;
        }
    }
    Ok(())
}
