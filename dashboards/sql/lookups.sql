-- Which services' names were asked for in DNS, how often and by how many devices?
SELECT service, count(*) AS questions, count(DISTINCT device) AS devices
FROM lookup
WHERE ts >= :from AND ts < :to AND (site = :site OR :site = '')
GROUP BY service
ORDER BY service;
