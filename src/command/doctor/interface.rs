//! The port that frames are mirrored to: link, size of frames, what the driver joins, drops, and its address.

use std::fs;
use std::path::PathBuf;

use super::check::{Check, Id};
use super::ethtool::{Features, Ring};
use super::system::{Answer, ask, number, quoted, read};
use crate::config::is_interface;

const INTERFACE: Id = Id("interface");
const CARRIER: Id = Id("carrier");
const PROMISCUOUS: Id = Id("promiscuous");
const MTU: Id = Id("mtu");
const OFFLOADS: Id = Id("offloads");
const RX_RING: Id = Id("rx-ring");
const DROPS: Id = Id("drops");
const ADDRESS: Id = Id("address");
const SPEED: Id = Id("speed");

/// Flags of linux/if.h.
const UP: u32 = 0x1;
const PROMISC: u32 = 0x100;
/// What clients send: a smaller MTU cuts their frames off.
const ETHERNET: u32 = 1500;
/// One frame in ten thousand: fewer are left from the link's start.
const LOST_ONE_IN: u64 = 10_000;
/// What the kernel takes off the driver and gives to nobody (unknown protocols) counts as dropped: not lost to a capture
/// as long as it is little.
const DROPPED_ONE_IN: u64 = 100;

/// Nobody said where the mirror is.
pub(super) fn unnamed() -> Check {
    INTERFACE.unknown("none is named: -i IFACE, or sensor.interface in the configuration").with("ip -br link")
}

/// An interface as `/sys` shows it.
#[derive(Debug, Clone)]
pub(super) struct Port {
    name: String,
    dir: PathBuf,
}

impl Port {
    pub(super) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), dir: PathBuf::from("/sys/class/net").join(name) }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The interface's name as a shell takes it.
    pub(super) fn word(&self) -> String {
        quoted(&self.name)
    }

    pub(super) fn exists(&self) -> bool {
        is_interface(&self.name) && self.dir.exists()
    }

    pub(super) fn mtu(&self) -> Option<u32> {
        number(self.dir.join("mtu"))
    }

    /// Mbit/s; none where the driver knows no speed.
    pub(super) fn speed(&self) -> Option<u64> {
        number::<i64>(self.dir.join("speed")).and_then(|speed| u64::try_from(speed).ok()).filter(|&speed| speed > 0)
    }

    fn flags(&self) -> Option<u32> {
        let text = read(self.dir.join("flags"))?;
        u32::from_str_radix(text.strip_prefix("0x")?, 16).ok()
    }

    /// Whether frames for others are taken; `run` and the doctor switch it on while they listen.
    pub(super) fn is_promiscuous(&self) -> Option<bool> {
        self.flags().map(|flags| flags & PROMISC != 0)
    }

    fn count(&self, what: &str) -> u64 {
        number(self.dir.join("statistics").join(what)).unwrap_or(0)
    }

    /// Every check that needs no listening.
    pub(super) fn checks(&self) -> Vec<Check> {
        let there = self.there();
        if !self.exists() {
            return vec![there];
        }
        let ring = Ring::of(&self.name);
        let checks = [
            there,
            self.carrier(),
            self.mtu_check(),
            self.offloads(),
            self.rx_ring(&ring),
            self.drops(&ring),
            self.address(),
            self.speed_check(),
        ];
        checks.into_iter().map(|check| check.about(&self.name)).collect()
    }

    fn there(&self) -> Check {
        if !self.exists() {
            return INTERFACE.fail(format!("there is no interface {}", self.name), "ip -br link");
        }
        match self.flags() {
            Some(flags) if flags & UP != 0 => INTERFACE.ok("up"),
            Some(_) => INTERFACE.fail("down", format!("sudo ip link set {} up", self.word())),
            None => INTERFACE.unknown("/sys does not say"),
        }
    }

    fn carrier(&self) -> Check {
        match number::<u8>(self.dir.join("carrier")) {
            Some(1) => CARRIER.ok("there is a link"),
            Some(_) => {
                let seen = "no link: look at the cable and at the switch's port";
                CARRIER.fail(seen, format!("sudo ethtool {}", self.word()))
            }
            None => CARRIER.unknown("an interface that is down does not say"),
        }
    }

    fn mtu_check(&self) -> Check {
        match self.mtu() {
            Some(mtu) if mtu < ETHERNET => {
                let seen = format!("{mtu}: frames of clients are up to {ETHERNET}");
                MTU.warn(seen, format!("sudo ip link set dev {} mtu {ETHERNET}", self.word()))
            }
            Some(mtu) if mtu < ETHERNET + 50 => {
                MTU.ok(format!("{mtu}: enough for plain frames, not for an encapsulated mirror"))
            }
            Some(mtu) => MTU.ok(mtu.to_string()),
            None => MTU.unknown("/sys does not say"),
        }
    }

    fn offloads(&self) -> Check {
        let features = match Features::of(&self.name) {
            Ok(features) => features,
            Err((why, mend)) => return OFFLOADS.unknown(why).with(mend),
        };
        let seen = features.line();
        match features.to_switch_off() {
            Some(words) => OFFLOADS.warn(seen, format!("sudo ethtool -K {} {words}", self.word())),
            None => OFFLOADS.ok(seen),
        }
    }

    fn rx_ring(&self, ring: &Result<Ring, String>) -> Check {
        match ring {
            Ok(ring) if ring.now < ring.most => RX_RING.warn(
                format!("{} of {} descriptors", ring.now, ring.most),
                format!("sudo ethtool -G {} rx {}", self.word(), ring.most),
            ),
            Ok(ring) => RX_RING.ok(format!("{} descriptors, the most that there are", ring.now)),
            Err(why) => RX_RING.unknown(why),
        }
    }

    fn drops(&self, ring: &Result<Ring, String>) -> Check {
        let (packets, dropped) = (self.count("rx_packets"), self.count("rx_dropped"));
        let words = ["rx_missed_errors", "rx_over_errors", "rx_fifo_errors"];
        let lost = words.iter().map(|word| self.count(word)).max().unwrap_or(0);
        let seen = format!("{packets} packets since the start, {lost} missed by the card, {dropped} dropped");
        if lost <= packets / LOST_ONE_IN && dropped <= packets / DROPPED_ONE_IN {
            return DROPS.ok(seen);
        }
        let mend = match ring {
            Ok(ring) if ring.now < ring.most => format!("sudo ethtool -G {} rx {}", self.word(), ring.most),
            _ => format!("sudo ethtool -S {}", self.word()),
        };
        DROPS.warn(seen, mend)
    }

    /// A mirror port that has an address answers, and is seen, in the network that it watches.
    fn address(&self) -> Check {
        let said = match ask("ip", &["-o", "addr", "show", "dev", &self.name]) {
            Answer::Said(said) => said,
            Answer::Missing => return ADDRESS.unknown("ip is missing").with("sudo apt-get install iproute2"),
            Answer::Failed(why) => return ADDRESS.unknown(why),
        };
        let words = said.lines().filter_map(|line| {
            let mut words = line.split_whitespace().skip_while(|word| !word.starts_with("inet"));
            words.next().and_then(|_| words.next())
        });
        let addresses: Vec<&str> = words.collect();
        if addresses.is_empty() {
            return ADDRESS.ok("none");
        }
        let seen = addresses.join(", ");
        if self.is_gateway() {
            let seen = format!("{seen}: this machine's own way out; a mirror wants a port of its own");
            return ADDRESS.warn(seen, "ip -br link");
        }
        match addresses.iter().all(|address| address.starts_with("fe80:")) {
            true => {
                let mend = format!("sudo sysctl -w net.ipv6.conf.{}.disable_ipv6=1", self.word().replace('.', "/"));
                ADDRESS.warn(format!("{seen}: the port speaks in the network that it watches"), mend)
            }
            false => ADDRESS.warn(
                format!("{seen}: only a mirror that is sent to an address (ERSPAN, VXLAN) needs one"),
                format!("sudo ip addr flush dev {}", self.word()),
            ),
        }
    }

    /// True when the default route of IPv4 leads here.
    fn is_gateway(&self) -> bool {
        let routes = fs::read_to_string("/proc/net/route").unwrap_or_default();
        routes.lines().any(|line| {
            let mut words = line.split_whitespace();
            words.next() == Some(&self.name) && words.next() == Some("00000000")
        })
    }

    fn speed_check(&self) -> Check {
        let half = read(self.dir.join("duplex")).as_deref() == Some("half");
        match self.speed() {
            Some(speed) if half => {
                let mend = format!("sudo ethtool -s {} autoneg on", self.word());
                SPEED.warn(format!("{speed} Mbit/s, half duplex"), mend)
            }
            Some(speed) => SPEED.ok(format!("{speed} Mbit/s; a mirror of both directions can be twice a port's")),
            None => SPEED.unknown("the driver does not say, as of most virtual interfaces"),
        }
    }

    /// After or while listening: was the interface promiscuous meanwhile?
    pub(super) fn promiscuous(&self, while_listening: Option<bool>) -> Check {
        let check = match while_listening {
            Some(true) => PROMISCUOUS.ok("on while listening"),
            Some(false) => PROMISCUOUS
                .warn("stays off while listening", format!("sudo ip link set {} promisc on", self.word())),
            None => PROMISCUOUS.unknown("`run` switches it on: seen only while listening"),
        };
        check.about(&self.name)
    }
}
