-- Which unlisted domains look like a conversation with a model? Devices are those of the hour with most of them: records
-- name no device, so devices of several hours cannot be told apart.
SELECT domain,
       argMin(c.host, (-toInt64(c.turns), c.host)) AS host,
       max(c.devices)         AS devices,
       sum(c.flows)           AS flows,
       sum(c.streaming_flows) AS streaming_flows,
       sum(c.program_flows)   AS program_flows,
       sum(c.turns)           AS turns,
       sum(c.upload_bytes)    AS upload_bytes,
       sum(c.bytes_down)      AS bytes_down,
       toUnixTimestamp64Micro(min(c.start)) AS first_seen,
       toUnixTimestamp64Micro(max(c.start)) AS last_seen
FROM candidate AS c
WHERE c.start >= fromUnixTimestamp64Micro({from:Int64}) AND c.start < fromUnixTimestamp64Micro({to:Int64})
  AND c.day >= toDate(fromUnixTimestamp64Micro(greatest({from:Int64} - 86400000000, 0), 'UTC'))
  AND c.day <= toDate(fromUnixTimestamp64Micro({to:Int64} + 86400000000, 'UTC'))
  AND (c.site = {site:String} OR {site:String} = '')
GROUP BY domain
ORDER BY domain
