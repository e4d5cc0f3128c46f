-- What a receiver will never take. Such a row counts as sent, so that it blocks nobody, and keeps the receiver's words.

ALTER TABLE siem_outbox ADD COLUMN refused TEXT;
