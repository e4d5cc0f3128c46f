-- How was traffic named, what carried no flow, what could not be decoded, what was lost, what was broken?
WITH seen AS (
    SELECT sensor, source, minute FROM minute
    WHERE minute >= :from AND minute < :to AND (site = :site OR :site = '')
)
SELECT 'method' AS kind, word, sum(flows) AS flows, sum(frames) AS frames, sum(bytes) AS bytes
FROM seen JOIN minute_method USING (sensor, source, minute) GROUP BY word
UNION ALL
SELECT 'not_flow', word, sum(flows), sum(frames), sum(bytes)
FROM seen JOIN minute_not_flow USING (sensor, source, minute) GROUP BY word
UNION ALL
SELECT 'malformed', word, sum(flows), sum(frames), sum(bytes)
FROM seen JOIN minute_malformed USING (sensor, source, minute) GROUP BY word
UNION ALL
SELECT 'drop', word, 0, sum(packets), 0
FROM seen JOIN minute_drop USING (sensor, source, minute) GROUP BY word
UNION ALL
SELECT 'broken', word, 0, sum(messages), 0
FROM seen JOIN minute_broken USING (sensor, source, minute) GROUP BY word
ORDER BY kind, word;
