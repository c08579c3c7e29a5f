-- A key declared on a partition speaks for the table it is a part of.
SELECT con.conname                                          AS "Name",
       coalesce(pg_partition_root(con.conrelid), con.conrelid)::oid   AS "From",
       coalesce(pg_partition_root(con.confrelid), con.confrelid)::oid AS "To",
       (SELECT array_agg(a.attname::text ORDER BY k.n) FROM unnest(con.conkey) WITH ORDINALITY k (num, n)
        JOIN pg_attribute a ON a.attrelid = con.conrelid AND a.attnum = k.num)  AS "FromColumns",
       (SELECT array_agg(a.attname::text ORDER BY k.n) FROM unnest(con.confkey) WITH ORDINALITY k (num, n)
        JOIN pg_attribute a ON a.attrelid = con.confrelid AND a.attnum = k.num) AS "ToColumns",
       -- By which the constraint compares: referenced column, operator, referring column.
       (SELECT array_agg(format('OPERATOR(%I.%s)', n.nspname, o.oprname) ORDER BY k.n)
        FROM unnest(con.conpfeqop) WITH ORDINALITY k (op, n)
        JOIN pg_operator o ON o.oid = k.op JOIN pg_namespace n ON n.oid = o.oprnamespace)  AS "Operators",
       con.condeferrable                                    AS "Deferrable",
       con.confdeltype::text                                AS "OnDelete"
FROM pg_constraint con
WHERE con.contype = 'f' AND con.conparentid = 0
ORDER BY con.conrelid, con.conname
