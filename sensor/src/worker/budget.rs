//! How many `lookup` records may be written: a question costs who asks nothing, and a record is kept for weeks.

use std::net::IpAddr;

use foldhash::fast::RandomState;
use hashbrown::HashMap;

/// Records for one client in a minute. A page of a chat service asks for two dozen names three times; a resolver that
/// asks for a whole office asks for each name once in a TTL.
const PER_CLIENT: u32 = 300;
/// Records for all clients together: 5,000 of them with a dozen each. Whoever makes up clients gets no further.
const ALL: u32 = 60_000;
/// µs.
const MINUTE: i64 = 60_000_000;
/// Minutes by which a record may be late: that of a question without an answer waits for the end of its flow.
const LATE: i64 = 30;

/// What was written in the current minute.
#[derive(Debug, Default)]
pub(super) struct Budget {
    minute: i64,
    all: u32,
    clients: HashMap<IpAddr, u32, RandomState>,
}

impl Budget {
    /// Takes a record of `client` at `time` (µs), if there is one left. What is late takes it from the current minute.
    pub(super) fn allows(&mut self, client: IpAddr, time: i64) -> bool {
        let minute = time.div_euclid(MINUTE);
        if minute > self.minute || minute < self.minute - LATE {
            *self = Self { minute, ..Self::default() };
        }
        if self.all >= ALL {
            return false;
        }
        let used = self.clients.entry(client).or_default();
        if *used >= PER_CLIENT {
            return false;
        }
        *used += 1;
        self.all += 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(n: u32) -> IpAddr {
        IpAddr::from(n.to_be_bytes())
    }

    #[test]
    fn one_client_has_its_share_of_each_minute() {
        let mut budget = Budget::default();
        let mut taken = |n, time| (0..1000).filter(|_| budget.allows(client(n), time)).count();
        assert_eq!([taken(1, 1), taken(1, 2), taken(2, 3)], [300, 0, 300]);
        assert_eq!([taken(1, MINUTE), taken(1, MINUTE - 1)], [300, 0], "a late record begins no minute");
        assert_eq!(taken(1, -30 * MINUTE), 300, "the clock was set back");
    }

    #[test]
    fn made_up_clients_share_what_there_is() {
        let mut budget = Budget::default();
        let taken = (0..200_000).filter(|&n| budget.allows(client(n), 0)).count();
        assert_eq!((taken, budget.clients.len()), (60_000, 60_000));
    }
}
