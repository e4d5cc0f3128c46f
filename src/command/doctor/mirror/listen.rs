//! Fills a worker with frames: from a live interface for some seconds, or from a capture file.

use std::path::Path;
#[cfg(feature = "live")]
use std::time::{Duration, Instant};

#[cfg(feature = "live")]
use sensor::capture::live::{LiveCapture, LiveConfig, Next};
use sensor::worker::Worker;

use super::heard::Heard;
use crate::command::files;
use crate::config::Setup;
use crate::exit::Failure;

/// Jumbo frames with tunnel and tags: what is longer in a capture was joined by the machine that took it.
const FILE_FRAME_MAX: u32 = 9_234;
/// Link header and two VLAN tags, which no MTU counts.
#[cfg(feature = "live")]
const LINK_HEADER: u32 = 22;
/// The longest sleep on an empty ring.
#[cfg(feature = "live")]
const DOZE: Duration = Duration::from_millis(100);

/// What a live interface brings in a time, and whether it was promiscuous meanwhile.
#[cfg(feature = "live")]
pub(in super::super) fn live(
    port: &super::super::interface::Port,
    setup: &Setup,
    time: Duration,
) -> Result<(Heard, Option<bool>), Failure> {
    let mut capture = LiveCapture::open(&LiveConfig::new(port.name()))?;
    let frame_max = port.mtu().map_or(FILE_FRAME_MAX, |mtu| mtu.saturating_add(LINK_HEADER));
    let mut heard = Heard::new(setup.local.clone(), frame_max);
    let mut worker = Worker::new(setup.worker(format!("doctor-{}", port.name())));
    let until = Instant::now() + time;
    while Instant::now() < until {
        match capture.next_frame()? {
            Next::Frame(frame) => {
                heard.frame(&frame);
                worker.frame(&frame, &mut heard);
                continue;
            }
            Next::Quiet => {}
        }
        capture.wait(DOZE.min(until.saturating_duration_since(Instant::now())));
    }
    let lost = capture.lost();
    worker.lost("kernel", lost.interface);
    worker.lost("ring", lost.ring);
    let promiscuous = port.is_promiscuous();
    heard.end(&mut worker);
    Ok((heard, promiscuous))
}

/// What a capture file holds.
pub(in super::super) fn file(path: &Path, setup: &Setup) -> Result<Heard, Failure> {
    let mut heard = Heard::new(setup.local.clone(), FILE_FRAME_MAX);
    let mut file = files::open(path)?;
    let mut worker = Worker::new(setup.worker(format!("doctor-{}", path.display())));
    let name = path.display().to_string();
    while let Some(frame) = file.next_frame().map_err(|e| Failure::Unreadable(format!("{name}: {e}")))? {
        heard.frame(&frame);
        worker.frame(&frame, &mut heard);
    }
    heard.end(&mut worker);
    Ok(heard)
}
