-- How far do the facts reach? The newest minute of the ledger or use, before the given time; 0 rows when there is none.
SELECT toUnixTimestamp64Micro(max(facts.at)) AS newest
FROM (
    SELECT max(m.minute) AS at, count() AS rows FROM minute AS m
    WHERE m.minute >= fromUnixTimestamp64Micro({from:Int64}) AND m.minute < fromUnixTimestamp64Micro({to:Int64})
      AND m.day >= toDate(fromUnixTimestamp64Micro(greatest({from:Int64} - 86400000000, 0), 'UTC'))
      AND m.day <= toDate(fromUnixTimestamp64Micro({to:Int64} + 86400000000, 'UTC'))
      AND (m.site = {site:String} OR {site:String} = '')
    UNION ALL
    SELECT max(u.last_seen) AS at, count() AS rows FROM usage_hour AS u
    WHERE u.hour >= fromUnixTimestamp64Micro({from:Int64}) AND u.hour < fromUnixTimestamp64Micro({to:Int64})
      AND (u.site = {site:String} OR {site:String} = '')
) AS facts
WHERE facts.rows > 0
HAVING count() > 0
