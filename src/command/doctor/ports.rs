//! The interfaces that are asked about, each with its mirror.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;

use signal_hook::consts::{SIGINT, SIGTERM};

use super::check::Check;
use super::interface::{self, Port};
use super::memory;
use super::mirror;
use crate::config::Setup;

/// Every check of every interface. The mirrors are listened to side by side; who does not want to wait any longer ends
/// that with Ctrl-C and gets what was heard until then.
pub(super) fn checks(names: &[String], seconds: u64, setup: Option<&Setup>, config: Option<&Path>) -> Vec<Check> {
    if names.is_empty() {
        return vec![interface::unnamed()];
    }
    let stop = stop_flag();
    let stop = &stop;
    thread::scope(|scope| {
        let ports: Vec<_> =
            names.iter().map(|name| scope.spawn(|| port(&Port::new(name), seconds, setup, config, stop))).collect();
        // Who joins a thread has to pass its panic on: the scope does not.
        let checks = ports.into_iter().map(|port| port.join().unwrap_or_else(|p| std::panic::resume_unwind(p)));
        checks.flatten().collect()
    })
}

/// Set by SIGINT and SIGTERM. A second one ends the process at once.
fn stop_flag() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // Without it a signal ends the process, as anywhere.
        let _ = signal_hook::flag::register_conditional_shutdown(signal, 1, stop.clone())
            .and_then(|_| signal_hook::flag::register(signal, stop.clone()));
    }
    stop
}

fn port(port: &Port, seconds: u64, setup: Option<&Setup>, config: Option<&Path>, stop: &AtomicBool) -> Vec<Check> {
    let mut checks = port.checks();
    if !port.exists() {
        return checks;
    }
    checks.push(memory::ring(port, config));
    let (promiscuous, heard) = match (seconds, setup) {
        (0, _) => (None, mirror::unheard("not listened to: --seconds 0")),
        (_, None) => (None, mirror::unheard("the configuration cannot be read")),
        (_, Some(setup)) => listen(port, seconds, setup, config, stop),
    };
    checks.push(port.promiscuous(promiscuous));
    checks.extend(heard.into_iter().map(|check| check.about(port.name())));
    checks
}

#[cfg(feature = "live")]
fn listen(
    port: &Port,
    seconds: u64,
    setup: &Setup,
    config: Option<&Path>,
    stop: &AtomicBool,
) -> (Option<bool>, Vec<Check>) {
    match mirror::live(port, setup, std::time::Duration::from_secs(seconds), stop) {
        Ok((heard, promiscuous)) => {
            (promiscuous, mirror::verdict(&heard, mirror::Place::Port(&port.word(), port.mtu()), config))
        }
        Err(failure) => {
            let text = failure.into_text();
            (None, mirror::unheard(text.lines().next().unwrap_or_default()))
        }
    }
}

#[cfg(not(feature = "live"))]
fn listen(_: &Port, _: u64, _: &Setup, _: Option<&Path>, _: &AtomicBool) -> (Option<bool>, Vec<Check>) {
    (None, mirror::unheard("this program was built without live capture"))
}
