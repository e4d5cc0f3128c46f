//! What a flow counts as when it is asked how much of a device's traffic could be named.

use rules::catalogue::infra::InfraClass;

use crate::record::Transport;

/// Where a flow's frames and bytes are counted in [`crate::record::VisibilityRecord`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sight {
    /// It carries a name.
    Named,
    /// It carries none, and nothing says why.
    Nameless,
    /// DNS over HTTPS.
    Doh,
    /// DNS over TLS or QUIC.
    Dot,
    /// A relay that hides the destination.
    Relay,
    /// The Tor project.
    Tor,
    /// A tunnel to a local server.
    Tunnel,
    /// A virtual private network.
    Vpn,
    /// The name is hidden by a real encrypted ClientHello.
    EchReal,
}

/// How many kinds there are.
pub const SIGHTS: usize = 9;

/// What of a flow is counted already.
#[derive(Debug, Clone, Copy, Default)]
pub struct Counted {
    /// Where it is counted; absent while that is not decided, and for flows that are not counted at all.
    pub sight: Option<Sight>,
    /// The flow itself is counted.
    pub flow: bool,
    /// Frames so far, modulo 2^32: nothing sends more in ten minutes.
    pub frames: u32,
    /// Frame bytes so far.
    pub bytes: u64,
}

/// Ports of tunnels that show no name (IANA, and WireGuard's own): IKE and IPsec in UDP, OpenVPN, L2TP, WireGuard.
const VPN_OVER_UDP: [u16; 5] = [500, 1194, 1701, 4500, 51_820];
/// The same over TCP: OpenVPN, PPTP.
const VPN_OVER_TCP: [u16; 2] = [1194, 1723];

impl Sight {
    /// Of a flow that was answered, and whose protocol has shown no name: the server's port is all that tells.
    pub fn of_port(transport: Transport, port: u16) -> Option<Self> {
        let is_vpn = match transport {
            Transport::Udp => VPN_OVER_UDP.contains(&port),
            Transport::Tcp => VPN_OVER_TCP.contains(&port),
        };
        is_vpn.then_some(Self::Vpn)
    }

    /// Of a host of the infrastructure list: only what hides names.
    pub fn of_infra(class: InfraClass) -> Self {
        match class {
            InfraClass::Doh => Self::Doh,
            InfraClass::Dot => Self::Dot,
            InfraClass::Relay => Self::Relay,
            InfraClass::Tor => Self::Tor,
            InfraClass::Tunnel => Self::Tunnel,
            InfraClass::Vpn => Self::Vpn,
            InfraClass::Canary | InfraClass::Ddr | InfraClass::EchCover => Self::Named,
        }
    }

    /// The word of a class that hides names; `None` for the two that do not.
    pub fn hides(self) -> Option<&'static str> {
        Some(match self {
            Self::Named | Self::Nameless => return None,
            Self::Doh => "doh",
            Self::Dot => "dot",
            Self::Relay => "relay",
            Self::Tor => "tor",
            Self::Tunnel => "tunnel",
            Self::Vpn => "vpn",
            Self::EchReal => "ech-real",
        })
    }

    /// Every kind, in the order of the enum.
    pub const ALL: [Self; SIGHTS] = [
        Self::Named,
        Self::Nameless,
        Self::Doh,
        Self::Dot,
        Self::Relay,
        Self::Tor,
        Self::Tunnel,
        Self::Vpn,
        Self::EchReal,
    ];
}
