-- What did the sensor see in the window, in total? A minute that two sources cover counts once.
SELECT count(DISTINCT minute)             AS minutes,
       coalesce(sum(frames), 0)           AS frames,
       coalesce(sum(bytes), 0)            AS bytes,
       coalesce(sum(one_way_flows), 0)    AS one_way_flows,
       coalesce(sum(late_flows), 0)       AS late_flows,
       coalesce(sum(dns_questions), 0)    AS dns_questions
FROM minute
WHERE minute >= :from AND minute < :to AND (site = :site OR :site = '');
