-- What makes old rows known as such. Times are µs UTC of the judge's clock; rows of before count from this step on.

ALTER TABLE judged ADD COLUMN at INTEGER NOT NULL DEFAULT 0;          -- when it was counted
UPDATE judged SET at = coalesce(
    (SELECT CAST(json_extract(value, '$') AS INTEGER) FROM memory WHERE kind = 'mark' AND key = 'now'), 0);

ALTER TABLE siem_outbox ADD COLUMN sent_at INTEGER;                  -- the first sweep that found it sent
CREATE INDEX siem_sent ON siem_outbox (sent_at) WHERE sent = 1;
