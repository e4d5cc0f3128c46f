//! The form as Markdown, for people to fill in. Every value is escaped; only the templates here are markup.

use jiff::tz::TimeZone;

use super::escape;
use super::model::{Form, Moment, Vetting};
use super::page::{LINE, Page};
use crate::text::{bytes, number};

impl Form {
    /// The form as Markdown. Times are given on the clock of the site.
    pub fn markdown(&self, zone: &TimeZone) -> String {
        let mut page = Page { text: String::with_capacity(8192), zone };
        page.head(self);
        page.observed(self);
        page.affected(self);
        page.list("Immediate steps", &self.immediate_steps, true);
        page.heading("Assessment (to be filled in)");
        page.ask(&self.assessment);
        if let Some(card) = &self.vetting {
            page.vetting(card);
        }
        page.timeline(&self.timeline);
        page.evidence(self);
        page.text
    }
}

impl Page<'_> {
    fn head(&mut self, form: &Form) {
        let reference = &form.reference;
        self.line(format_args!("# AI incident report {}\n", reference.uid));
        self.line(format_args!("{}. This is an observation, not an accusation.\n", form.incident_type.label));
        self.table(&["", ""]);
        self.row("Reference", &format!("{}, revision {}, {}", reference.uid, reference.revision, reference.state));
        self.row("Type of incident", form.incident_type.label);
        self.row("Severity", &format!("{} of 10", form.severity));
        let due = match &form.times.report_due_at {
            Some(due) => format!("{}: {}", self.time(due), form.times.clock),
            None => "no deadline".to_owned(),
        };
        let detected = self.time(&form.times.detected_at);
        self.row("Detected", &detected);
        self.row("Report due", &due);
        self.row("Reported at", LINE);
        self.row("Reported by", LINE);
        let taken = form.times.acknowledged_by.as_deref().map(escape).unwrap_or_default();
        let taken_at = self.maybe_time(form.times.acknowledged_at.as_ref());
        self.row("Taken on", format!("{taken} {taken_at}").trim());
        let told = |who: &Option<String>| match who {
            Some(who) => format!("{}; [ ] informed at {LINE}", escape(who)),
            None => format!("{LINE}; [ ] informed at {LINE}"),
        };
        self.row("Security", &told(&form.informed.security));
        self.row("Risk Owner", &told(&form.informed.risk_owner));
        let client =
            form.informed.client.as_deref().map(escape).map(|client| format!("{client}. ")).unwrap_or_default();
        self.row("Client", &format!("{client}{}", form.informed.client_rule));
        self.row(
            "SIEM",
            if form.informed.alerted {
                "told as it opened, where one was configured"
            } else {
                "no event of its own"
            },
        );
    }

    fn observed(&mut self, form: &Form) {
        self.heading("What was observed");
        self.line(format_args!("{}\n", escape(&form.observed.sentence)));
        self.table(&["Measured", "Value", "Unit", "How it is known"]);
        for row in &form.observed.measurements {
            let cells = [&row.what, &row.value, row.unit, &row.evidence].map(|cell| match cell {
                "" => "-".to_owned(),
                cell => escape(cell),
            });
            self.line(format_args!("| {} |", cells.join(" | ")));
        }
        if !form.not_known.is_empty() {
            let steps: Vec<String> = form.not_known.iter().map(|text| (*text).to_owned()).collect();
            self.list("What is not known", &steps, false);
        }
    }

    fn affected(&mut self, form: &Form) {
        self.heading("Affected");
        self.table(&["", ""]);
        let affected = &form.affected;
        let known = |value: &Option<String>| value.as_deref().map(escape).unwrap_or_default();
        let service = match (&affected.service_name, &affected.service) {
            (Some(name), Some(id)) => format!("{} ({})", escape(name), escape(id)),
            _ => String::new(),
        };
        let device = match &affected.client_ip {
            Some(ip) if affected.device.as_ref() != Some(ip) => {
                format!("{}, address {ip}", known(&affected.device))
            }
            _ => known(&affected.device),
        };
        self.row("Device", &device);
        self.row("Hardware address", &known(&affected.client_mac));
        self.row("VLAN", &affected.vlan.map(|vlan| vlan.to_string()).unwrap_or_default());
        self.row("Department", &known(&affected.department));
        self.row("Data tier of the department", &known(&affected.data_tier));
        self.row("Site", &known(&affected.site));
        self.row("Service", &service);
        self.row("Vendor", &known(&affected.vendor));
        self.row("Devices at the site", &affected.devices.to_string());
        self.row("First time or repeated", &escape(&form.recurrence.sentence));
        self.row("Policy status", &known(&form.policy.status));
        self.row("Policy line", &escape(&form.policy.line));
    }

    fn vetting(&mut self, card: &Vetting) {
        self.heading("The service, for its assessment");
        self.table(&["", ""]);
        let stated = |value: &Option<String>| value.as_deref().map_or("not stated".to_owned(), escape);
        let count = |value: Option<u64>, say: fn(u64) -> String| value.map(say).unwrap_or_default();
        self.row("Service", &format!("{} ({})", escape(&card.name), escape(&card.service)));
        self.row("Vendor", &escape(&card.vendor));
        self.row("Category", &escape(&card.category));
        self.row("Seat of the vendor", &stated(&card.country));
        self.row("Start reading at", &stated(&card.homepage));
        let first = self.maybe_time(card.first_seen.as_ref());
        self.row("First seen at the site", &first);
        self.row("Devices at the site", &count(card.devices, number));
        self.row("Sent from the site", &count(card.bytes_up, bytes));
        self.row("Received", &count(card.bytes_down, bytes));
        self.row("Retention", &stated(&card.retention));
        self.row("Training", &stated(&card.training));
        self.row("Certifications", &escape(&card.certifications.join(", ")));
        self.row("Read at", &stated(&card.source));
        if let Some(note) = &card.note {
            self.row("Note", &escape(note));
        }
        self.text.push('\n');
        self.table(&["Host", "Matches", "Role", "Strength"]);
        for host in &card.hosts {
            self.line(format_args!(
                "| {} | {} | {} | {} |",
                escape(&host.pattern),
                host.kind,
                host.role,
                host.strength
            ));
        }
        self.text.push('\n');
        self.ask(&card.questions);
    }

    fn timeline(&mut self, moments: &[Moment]) {
        self.heading("History");
        self.table(&["When", "Who", "What", "Note"]);
        for moment in moments {
            let at = self.time(&moment.at);
            let text = if moment.text.is_empty() { "-".to_owned() } else { escape(&moment.text) };
            self.line(format_args!("| {at} | {} | {} | {text} |", escape(&moment.who), escape(&moment.what)));
        }
    }

    fn evidence(&mut self, form: &Form) {
        self.heading("Evidence");
        self.table(&["", ""]);
        let evidence = &form.evidence;
        let rows = [
            ("Community ID", &evidence.community_id),
            ("Name on the wire", &evidence.host),
            ("How it is known", &evidence.grade),
            ("Certainty of the catalogue", &evidence.strength),
            ("Server", &evidence.server),
            ("Protocol", &evidence.protocol),
            ("Sensor", &form.affected.sensor),
            ("Catalogue", &evidence.catalogue),
            ("Policy that judged", &Some(evidence.policy.clone())),
            ("Policy at hand", &Some(evidence.policy_at_hand.clone())),
            ("shadowtap", &Some(evidence.binary.clone())),
            ("First packet", &Some(self.time(&form.times.first_seen))),
            ("Last packet", &Some(self.time(&form.times.last_seen))),
            ("Written", &Some(self.time(&form.times.written_at))),
        ];
        for (what, value) in rows {
            self.row(what, &value.as_deref().map(escape).unwrap_or_default());
        }
    }
}
