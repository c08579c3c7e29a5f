SELECT a.attrelid                                 AS "Relation",
       a.attnum                                   AS "Number",
       a.attname                                  AS "Name",
       a.atttypid                                 AS "Type",
       format_type(a.atttypid, a.atttypmod)       AS "TypeText",
       a.attnotnull                               AS "NotNull",
       a.attgenerated <> ''                       AS "Generated",
       a.attidentity = 'a'                        AS "AlwaysIdentity",
       coalesce((SELECT NOT co.collisdeterministic FROM pg_collation co WHERE co.oid = a.attcollation), false) AS "Nondeterministic"
FROM pg_attribute a
WHERE a.attrelid = ANY (CAST(@relations AS oid[])) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attrelid, a.attnum
