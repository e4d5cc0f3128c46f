-- How far do the facts reach? The newest minute of the ledger or use, before the given time.
SELECT max(newest) AS newest FROM (
    SELECT max(minute) AS newest FROM minute
    WHERE minute >= :from AND minute < :to AND (site = :site OR :site = '')
    UNION ALL
    SELECT max(last_seen) FROM usage
    WHERE hour >= :from AND hour < :to AND (site = :site OR :site = '')
);
