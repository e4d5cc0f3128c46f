-- Which unlisted domains look like a conversation with a model? Devices are those of the hour with most of them: records
-- name no device, so devices of several hours cannot be told apart.
SELECT domain,
       (SELECT inner_.host FROM candidate inner_
        WHERE inner_.domain = candidate.domain AND inner_.start >= :from AND inner_.start < :to
          AND (inner_.site = :site OR :site = '')
        ORDER BY inner_.turns DESC, inner_.host LIMIT 1) AS host,
       max(devices)         AS devices,
       sum(flows)           AS flows,
       sum(streaming_flows) AS streaming_flows,
       sum(program_flows)   AS program_flows,
       sum(turns)           AS turns,
       sum(upload_bytes)    AS upload_bytes,
       sum(bytes_down)      AS bytes_down,
       min(start)           AS first_seen,
       max(start)           AS last_seen
FROM candidate
WHERE start >= :from AND start < :to AND (site = :site OR :site = '')
GROUP BY domain
ORDER BY domain;
