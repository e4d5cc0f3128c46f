-- When was each service first used or visited, before the window's end? Telemetry alone (best_use 0) does not count.
SELECT service, min(first_seen) AS first_seen
FROM usage
WHERE hour >= :from AND hour < :to AND (site = :site OR :site = '') AND best_use > 0
GROUP BY service
ORDER BY service;
