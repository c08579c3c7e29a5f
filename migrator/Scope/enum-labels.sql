-- The labels of every enum that the columns of these relations are made of, through arrays, domains, ranges and composites.
WITH RECURSIVE used (type) AS (
    SELECT a.atttypid FROM pg_attribute a
    WHERE a.attrelid = ANY (CAST(@relations AS oid[])) AND a.attnum > 0 AND NOT a.attisdropped
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
SELECT format_type(e.enumtypid, NULL) AS "Type", e.enumlabel AS "Label"
FROM used JOIN pg_enum e ON e.enumtypid = used.type
ORDER BY 1, e.enumsortorder
