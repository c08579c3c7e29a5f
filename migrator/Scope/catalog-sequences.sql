SELECT n.nspname                                  AS "Schema",
       c.relname                                  AS "Name",
       s.seqincrement                             AS "Increment",
       s.seqmin                                   AS "Minimum",
       s.seqmax                                   AS "Maximum",
       s.seqcycle                                 AS "Cycles",
       pg_has_role(c.relowner, 'USAGE')           AS "Owned",
       coalesce(own.refobjid, used.adrelid)       AS "OwnerTable",
       (SELECT attname::text FROM pg_attribute a
        WHERE a.attrelid = coalesce(own.refobjid, used.adrelid)
          AND a.attnum = coalesce(own.refobjsubid, used.adnum)) AS "OwnerColumn",
       -- A partition's default speaks for the table it is a part of.
       (SELECT count(*)
        FROM (SELECT own.refobjid, a.attname FROM pg_attribute a
              WHERE a.attrelid = own.refobjid AND a.attnum = own.refobjsubid
              UNION
              SELECT coalesce(pg_partition_root(d.adrelid)::oid, d.adrelid), a.attname
              FROM pg_depend dep
              JOIN pg_attrdef d ON d.oid = dep.objid
              JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
              WHERE dep.classid = 'pg_attrdef'::regclass AND dep.refclassid = 'pg_class'::regclass
                AND dep.refobjid = c.oid) fed)     AS "FedColumns",
       coalesce((SELECT jsonb_agg((SELECT jsonb_agg(a.attname) FROM pg_attribute a
                                   WHERE a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey::int2[])))
                 FROM pg_index i
                 WHERE i.indrelid = coalesce(own.refobjid, used.adrelid) AND i.indisunique
                   AND coalesce(own.refobjsubid, used.adnum) = ANY (i.indkey::int2[])), '[]')::text AS "UniqueWith"
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_sequence s ON s.seqrelid = c.oid
LEFT JOIN pg_depend own ON own.classid = 'pg_class'::regclass AND own.objid = c.oid
     AND own.refclassid = 'pg_class'::regclass AND own.refobjsubid > 0 AND own.deptype IN ('a', 'i')
-- A sequence may also feed a column by DEFAULT nextval(…) without belonging to it.
LEFT JOIN LATERAL (SELECT d.adrelid, d.adnum FROM pg_depend dep JOIN pg_attrdef d ON d.oid = dep.objid
                   WHERE dep.classid = 'pg_attrdef'::regclass AND dep.refclassid = 'pg_class'::regclass AND dep.refobjid = c.oid
                   ORDER BY d.adrelid, d.adnum LIMIT 1) used ON true
WHERE c.relkind = 'S'
  AND c.relpersistence <> 't'
  AND n.nspname NOT LIKE 'pg\_%'
  AND n.nspname NOT IN ('information_schema', 'tenant_promotion')
  AND NOT EXISTS (SELECT FROM pg_depend d
                  WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY n.nspname, c.relname
