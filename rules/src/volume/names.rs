//! Names as small numbers. Maps are looked up and never walked, so that their order cannot show.

use std::collections::{BTreeMap, HashMap};

/// Devices followed at once: twice the 5,000 of a large office, so that changing hardware addresses fit. Beyond it
/// new devices are not followed; old ones go after [`super::HISTORY_DAYS`].
pub const MAX_DEVICES: usize = 10_000;

/// Services, departments and sites, each: a catalogue has hundreds and a policy dozens.
pub const MAX_NAMES: usize = 4_096;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Device(pub(super) u32);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Service(pub(super) u16);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Department(u16);

impl Service {
    /// All services together.
    pub(super) const ALL: Service = Service(0);
}

#[derive(Debug)]
struct Site {
    name: Box<str>,
    first_day: i32,
    devices: HashMap<Box<str>, Device>,
}

#[derive(Debug, Default)]
pub(super) struct Names {
    sites: Vec<Site>,
    devices: BTreeMap<Device, (usize, Box<str>)>,
    next: u32,
    services: Table,
    departments: Table,
}

impl Names {
    pub(super) fn device(&mut self, site: &str, name: &str, day: i32) -> Option<Device> {
        let at = match self.sites.iter().position(|known| *known.name == *site) {
            Some(at) => at,
            None if self.sites.len() >= MAX_NAMES => return None,
            None => {
                self.sites.push(Site { name: site.into(), first_day: day, devices: HashMap::new() });
                self.sites.len() - 1
            }
        };
        let site = self.sites.get_mut(at)?;
        site.first_day = site.first_day.min(day);
        if let Some(device) = site.devices.get(name) {
            return Some(*device);
        }
        if self.devices.len() >= MAX_DEVICES {
            return None;
        }
        let device = Device(self.next);
        self.next = self.next.checked_add(1)?;
        site.devices.insert(name.into(), device);
        self.devices.insert(device, (at, name.into()));
        Some(device)
    }

    pub(super) fn service(&mut self, id: &str) -> Option<Service> {
        // Number 0 stands for all services.
        self.services.number(id).map(|number| Service(number + 1))
    }

    pub(super) fn department(&mut self, id: &str) -> Option<Department> {
        self.departments.number(id).map(Department)
    }

    /// True in the first days of a site.
    pub(super) fn learning(&self, site: &str, day: i32, days: u16) -> bool {
        let site = self.sites.iter().find(|known| *known.name == *site);
        site.is_none_or(|site| day.saturating_sub(site.first_day) < i32::from(days))
    }

    /// Site and name of a device, while it is followed.
    pub(super) fn of_device(&self, device: Device) -> Option<(&str, &str)> {
        let (site, name) = self.devices.get(&device)?;
        Some((&self.sites.get(*site)?.name, name))
    }

    pub(super) fn of_service(&self, service: Service) -> Option<&str> {
        self.services.name(service.0.checked_sub(1)?)
    }

    pub(super) fn of_department(&self, department: Department) -> Option<&str> {
        self.departments.name(department.0)
    }

    /// Forgets the devices that are not to be kept.
    pub(super) fn keep(&mut self, keep: impl Fn(Device) -> bool) {
        self.devices.retain(|device, _| keep(*device));
        for site in &mut self.sites {
            site.devices.retain(|_, device| keep(*device));
        }
    }
}

#[derive(Debug, Default)]
struct Table {
    numbers: HashMap<Box<str>, u16>,
    names: Vec<Box<str>>,
}

impl Table {
    fn number(&mut self, name: &str) -> Option<u16> {
        if let Some(number) = self.numbers.get(name) {
            return Some(*number);
        }
        let number = u16::try_from(self.names.len()).ok().filter(|number| usize::from(*number) < MAX_NAMES)?;
        self.numbers.insert(name.into(), number);
        self.names.push(name.into());
        Some(number)
    }

    fn name(&self, number: u16) -> Option<&str> {
        self.names.get(usize::from(number)).map(|name| &**name)
    }
}
