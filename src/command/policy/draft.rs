//! `policy draft`: a first policy from what the store has seen.

use std::collections::{BTreeMap, BTreeSet};

use ingest::time::Window;
use jiff::civil::Date;
use rules::policy::{self, Seen, Subject};
use rules::usage::{Use, combine};

use super::today;
use crate::config::Setup;
use crate::delivery;
use crate::exit::{Done, Outcome};
use crate::terminal::Output;

/// Runs the command. Groups are those of the policy at hand, so that a policy with groups alone is a good start.
pub(super) fn run(setup: &Setup, on: Option<Date>) -> Outcome {
    delivery::must_have_facts(setup)?;
    let store = setup.store.open(&setup.data_dir, &setup.time_zone)?;
    let all = Window { from: i64::MIN, to: i64::MAX };
    let mut sums: BTreeMap<(String, Option<String>), (BTreeSet<String>, Use)> = BTreeMap::new();
    for row in store.usage(&setup.report_site, all)? {
        let subject = Subject {
            vlan: row.vlan,
            site: Some(&row.site),
            device: Some(&row.device),
            mac: row.mac.as_deref().and_then(policy::mac),
            ..Subject::of(row.client_ip)
        };
        let group = setup.policy.group_for(&subject).map(|group| group.id.clone());
        let (devices, usage) = sums.entry((row.service, group)).or_insert_with(|| (BTreeSet::new(), Use::Nothing));
        devices.insert(row.device);
        *usage = combine(*usage, row.usage);
    }
    let seen = |((service, group), (devices, usage)): (_, (BTreeSet<String>, Use))| Seen {
        service,
        group,
        devices: devices.len() as u64,
        usage,
    };
    let seen: Vec<Seen> = sums.into_iter().map(seen).collect();
    let mut out = Output::new();
    out.write(policy::draft(&seen, setup.policy.groups(), on.unwrap_or_else(|| today(setup))).as_bytes())?;
    out.finish()?;
    Ok(Done::Clean)
}
