//! The address of a mirror port: it wants none.

use std::fs;

use super::check::{Check, Id};
use super::system::{Answer, ask, quoted};

const ADDRESS: Id = Id("address");

/// A mirror port that has an address answers, and is seen, in the network that it watches.
pub(super) fn check(interface: &str) -> Check {
    let said = match ask("ip", &["-o", "addr", "show", "dev", interface]) {
        Answer::Said(said) => said,
        Answer::Missing => return ADDRESS.unknown("ip is missing").with("sudo apt-get install iproute2"),
        Answer::Failed(why) => return ADDRESS.unknown(why),
    };
    let addresses: Vec<&str> = said.lines().filter_map(address).collect();
    let (seen, word) = (addresses.join(", "), quoted(interface));
    if addresses.is_empty() {
        return ADDRESS.ok("none");
    }
    // Never a command that would cut the machine off.
    if is_gateway(interface) {
        let seen = format!("{seen}: this machine's own way out; a mirror wants a port of its own");
        return ADDRESS.warn(seen, "ip -br link");
    }
    if addresses.iter().all(|address| address.starts_with("fe80:")) {
        let seen = format!("{seen}: the port speaks in the network that it watches");
        // A slash in place of a dot, so that sysctl does not take the name apart.
        return ADDRESS.warn(seen, format!("sudo sysctl -w net/ipv6/conf/{word}/disable_ipv6=1"));
    }
    ADDRESS.warn(
        format!("{seen}: only a mirror that is sent to an address (ERSPAN, VXLAN) needs one"),
        format!("sudo ip addr flush dev {word}"),
    )
}

/// The word behind `inet` or `inet6` in a line of `ip -o addr`.
fn address(line: &str) -> Option<&str> {
    line.split_whitespace().skip_while(|word| !word.starts_with("inet")).nth(1)
}

/// True when the default route of IPv4 leads to an interface: it is this machine's own way out.
pub(crate) fn is_gateway(interface: &str) -> bool {
    let routes = fs::read_to_string("/proc/net/route").unwrap_or_default();
    routes.lines().any(|line| line.split_whitespace().take(2).eq([interface, "00000000"]))
}
