-- The types that the columns of the relations in "named" are made of, through arrays, domains, ranges and composites.
used (type) AS (
    SELECT a.atttypid FROM named JOIN pg_attribute a ON a.attrelid = named.relid
    WHERE a.attnum > 0 AND NOT a.attisdropped
    UNION
    SELECT part.type
    FROM used
    JOIN pg_type t ON t.oid = used.type
    CROSS JOIN LATERAL (SELECT t.typbasetype WHERE t.typtype = 'd'
                        UNION ALL SELECT t.typelem WHERE t.typelem <> 0
                        UNION ALL SELECT r.rngsubtype FROM pg_range r WHERE t.oid IN (r.rngtypid, r.rngmultitypid)
                        UNION ALL SELECT a.atttypid FROM pg_attribute a
                                  WHERE t.typtype = 'c' AND a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped
                       ) AS part (type)
)
