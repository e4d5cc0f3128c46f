//! The child's side: what `sense` and `deliver` are asked for, by signals or by the `run` that started them.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::exit::Failure;

/// What a half is asked for.
///
/// Alone it listens to signals. Under `run` the end of standard input says stop, so that it also ends when `run` was
/// killed. SIGINT and SIGTERM are then for `run` alone: whoever signals a whole group means that `sense` ends first.
#[derive(Debug)]
pub(crate) struct Asked {
    stop: Arc<AtomicBool>,
    reload: Arc<AtomicBool>,
    supervised: bool,
}

impl Asked {
    /// Listens from now on. Starts no thread: the jail comes first.
    pub(crate) fn listen(supervised: bool) -> Result<Self, Failure> {
        let asked = Self { stop: Arc::default(), reload: Arc::default(), supervised };
        signal_hook::flag::register(SIGHUP, asked.reload.clone())?;
        for signal in [SIGINT, SIGTERM] {
            if supervised {
                signal_hook::flag::register(signal, Arc::default())?;
            } else {
                // A second one ends the process at once.
                signal_hook::flag::register_conditional_shutdown(signal, 1, asked.stop.clone())?;
                signal_hook::flag::register(signal, asked.stop.clone())?;
            }
        }
        Ok(asked)
    }

    /// Tells `run`, if there is one, that the start is done, and hears from now on when it lets go.
    pub(crate) fn ready(&self) -> Result<(), Failure> {
        if !self.supervised {
            return Ok(());
        }
        let mut leash = File::from(io::stdin().as_fd().try_clone_to_owned()?);
        if leash.write_all(READY).is_err() {
            self.stop.store(true, Ordering::Relaxed);
            return Ok(());
        }
        let stop = self.stop.clone();
        thread::Builder::new().name("leash".to_owned()).spawn(move || {
            // Nothing ever comes but the end.
            let _ = leash.read_to_end(&mut Vec::new());
            stop.store(true, Ordering::Relaxed);
        })?;
        Ok(())
    }

    /// Whether the end was asked for.
    pub(crate) fn to_stop(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Whether files are to be read again; true once.
    pub(crate) fn to_reload(&self) -> bool {
        self.reload.swap(false, Ordering::Relaxed)
    }
}

/// What a child writes when its start is done.
pub(super) const READY: &[u8] = b".";
