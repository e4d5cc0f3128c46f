-- What the daily sweep needs to find the old without looking at the young.

-- Flow records of version 0.1 do not tell when they were written; the others are found by `flow_by_emission`.
CREATE INDEX flow_by_end ON flow (end) WHERE emitted = 0;

-- Who inserts a batch has no clock: a token's time counts from the first sweep that sees it.
ALTER TABLE batch ADD COLUMN seen INTEGER;
CREATE INDEX batch_by_age ON batch (seen);
