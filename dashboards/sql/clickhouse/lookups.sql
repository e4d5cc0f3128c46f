-- Which services' names were asked for in DNS, how often and by how many devices?
-- Days are on the site's clock, so the two around the window are looked into as well: they tell which partitions to read.
SELECT service, count() AS questions, uniqExact(device) AS devices
FROM lookup
WHERE ts >= fromUnixTimestamp64Micro({from:Int64}) AND ts < fromUnixTimestamp64Micro({to:Int64})
  AND day >= toDate(fromUnixTimestamp64Micro(greatest({from:Int64} - 86400000000, 0), 'UTC'))
  AND day <= toDate(fromUnixTimestamp64Micro({to:Int64} + 86400000000, 'UTC'))
  AND (site = {site:String} OR {site:String} = '')
GROUP BY service
ORDER BY service
