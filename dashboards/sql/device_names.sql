-- What does each device call itself? The name that it had last before the end of the window.
SELECT device, host_name
FROM (SELECT device, host_name,
             row_number() OVER (PARTITION BY device ORDER BY last_seen DESC, host_name) AS place
      FROM device
      WHERE last_seen < :to AND last_seen >= :from AND host_name IS NOT NULL AND (site = :site OR :site = ''))
WHERE place = 1
ORDER BY device;
