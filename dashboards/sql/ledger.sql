-- What did the sensor see in the window, in total? A minute that two sources cover counts once.
SELECT count(DISTINCT minute)             AS minutes,
       coalesce(sum(frames), 0)           AS frames,
       coalesce(sum(bytes), 0)            AS bytes,
       coalesce(sum(one_way_flows), 0)    AS one_way_flows,
       coalesce(sum(late_flows), 0)       AS late_flows,
       coalesce(sum(dns_questions), 0)    AS dns_questions,
       coalesce(sum(tcp_bytes), 0)        AS tcp_bytes,
       coalesce(sum(tcp_missing), 0)      AS tcp_missing,
       coalesce(sum(tcp_reordered), 0)    AS tcp_reordered,
       coalesce(sum(tcp_resent), 0)       AS tcp_resent,
       coalesce(sum(duplicates), 0)       AS duplicates,
       coalesce(sum(clock_steps), 0)      AS clock_steps
FROM minute
WHERE minute >= :from AND minute < :to AND (site = :site OR :site = '');
