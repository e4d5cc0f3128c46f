-- Which services' names were asked for in DNS, how often and by how many devices?
SELECT service, count() AS questions, uniqExact(device) AS devices
FROM lookup
WHERE ts >= fromUnixTimestamp64Micro({from:Int64}) AND ts < fromUnixTimestamp64Micro({to:Int64})
  AND (site = {site:String} OR {site:String} = '')
GROUP BY service
ORDER BY service
