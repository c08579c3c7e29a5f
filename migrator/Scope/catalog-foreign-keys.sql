-- A key declared on a partition speaks for the table it is a part of.
SELECT con.conname                                          AS "Name",
       coalesce(pg_partition_root(con.conrelid), con.conrelid)::oid   AS "From",
       coalesce(pg_partition_root(con.confrelid), con.confrelid)::oid AS "To",
       (SELECT array_agg(a.attname::text ORDER BY k.n) FROM unnest(con.conkey) WITH ORDINALITY k (num, n)
        JOIN pg_attribute a ON a.attrelid = con.conrelid AND a.attnum = k.num)  AS "FromColumns",
       (SELECT array_agg(a.attname::text ORDER BY k.n) FROM unnest(con.confkey) WITH ORDINALITY k (num, n)
        JOIN pg_attribute a ON a.attrelid = con.confrelid AND a.attnum = k.num) AS "ToColumns",
       -- By which the constraint compares: referenced column, operator, referring column. A PERIOD, which is the last column,
       -- is covered by the periods of several rows together, and overlaps each of them.
       (SELECT array_agg(CASE WHEN version.period AND k.n = cardinality(con.conkey) THEN 'OPERATOR(pg_catalog.&&)'
                              ELSE format('OPERATOR(%I.%s)', n.nspname, o.oprname) END ORDER BY k.n)
        FROM unnest(con.conpfeqop) WITH ORDINALITY k (op, n)
        JOIN pg_operator o ON o.oid = k.op JOIN pg_namespace n ON n.oid = o.oprnamespace)  AS "Operators",
       con.condeferrable                                    AS "Deferrable",
       con.convalidated                                     AS "Validated",
       version.enforced                                     AS "Enforced",
       version.period                                       AS "HasPeriod",
       con.confdeltype::text                                AS "OnDelete"
FROM pg_constraint con
-- Columns of PostgreSQL 18 are read through JSON, where they may be missing.
CROSS JOIN LATERAL (
    SELECT coalesce((to_jsonb(con) ->> 'conenforced')::boolean, true) AS enforced,
           coalesce((to_jsonb(con) ->> 'conperiod')::boolean, false) AS period) version
WHERE con.contype = 'f' AND con.conparentid = 0
ORDER BY con.conrelid, con.conname
