-- What waits for a sink, counted without a look at the events; findings apart, so that they need not wait behind flows;
-- and what it refused.

DROP INDEX siem_waiting;
CREATE INDEX siem_waiting ON siem_outbox (sink, id, not_before, action, sent) WHERE sent = 0;
CREATE INDEX siem_findings ON siem_outbox (sink, id, not_before) WHERE sent = 0 AND action <> 'traffic';
CREATE INDEX siem_refused ON siem_outbox (sink, id) WHERE refused IS NOT NULL;
