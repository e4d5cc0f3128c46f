//! Which clients are a worker's, of several that see the same frames.

use std::net::IpAddr;

/// A part of all clients. A client's flows and its DNS belong to the same worker, so that nothing has to be asked of
/// another one; what is said about devices and about the network each worker hears for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    index: u32,
    of: u32,
}

impl Share {
    /// All clients: one worker alone.
    pub const ALL: Self = Self { index: 0, of: 1 };

    /// The shares of so many workers, at least one.
    pub fn of(workers: u32) -> impl Iterator<Item = Self> {
        let of = workers.max(1);
        (0..of).map(move |index| Self { index, of })
    }

    /// True for the worker that counts what all of them see.
    pub fn is_first(self) -> bool {
        self.index == 0
    }

    /// A limit that holds for all workers together, as far as it is this one's.
    pub fn part(self, limit: usize) -> usize {
        (limit / self.of as usize).max(1)
    }

    /// True when a client is this worker's.
    pub fn holds(self, client: impl FnOnce() -> IpAddr) -> bool {
        self.of == 1 || u64::from(self.index) == number(client()) % u64::from(self.of)
    }
}

/// Spreads addresses that differ in few bits (the multiplier of splitmix64).
fn number(client: IpAddr) -> u64 {
    let bits = match client {
        IpAddr::V4(v4) => u128::from(v4.to_bits()),
        IpAddr::V6(v6) => v6.to_bits(),
    };
    let folded = bits as u64 ^ (bits >> 64) as u64;
    (folded ^ folded >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_client_is_one_workers_and_the_shares_are_even() {
        for workers in 1..=8 {
            let mut clients = vec![0; workers as usize];
            for n in 0..10_000_u32 {
                let v4 = IpAddr::from((0x0a00_0000 + n).to_be_bytes());
                let v6 = IpAddr::from((0xfd00_u128 << 112 | u128::from(n) << 8 | 1).to_be_bytes());
                for client in [v4, v6] {
                    let holds = |share: &Share| share.holds(|| client);
                    let mine: Vec<_> = Share::of(workers).filter(holds).collect();
                    let [one] = mine[..] else { panic!("{client} of {workers}: {mine:?}") };
                    clients[one.index as usize] += 1;
                }
            }
            let even = 20_000 / workers;
            assert!(clients.iter().all(|&n| n > even * 9 / 10 && n < even * 11 / 10), "{clients:?}");
        }
    }
}
