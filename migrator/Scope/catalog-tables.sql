SELECT c.oid                                           AS "Oid",
       n.nspname                                       AS "Schema",
       c.relname                                       AS "Name",
       c.relkind::text                                 AS "Kind",
       c.relpersistence = 'u'                          AS "Unlogged",
       pg_get_userbyid(c.relowner)                     AS "Owner",
       pg_has_role(c.relowner, 'USAGE')                AS "Owned",
       pg_has_role(c.relowner, 'USAGE')
           OR (SELECT r.rolsuper FROM pg_roles r WHERE r.oid = c.relowner)
           OR c.relowner = (SELECT d.datdba FROM pg_database d WHERE d.datname = current_database()) AS "Trusted",
       c.relrowsecurity                                AS "RowSecurity",
       c.relrowsecurity AND c.relforcerowsecurity      AS "ForcedRowSecurity",
       -- What a change says of the old row is decided by the partition that held it. An index that is gone tells nothing.
       CASE WHEN EXISTS (SELECT FROM pg_partition_tree(c.oid) tree JOIN pg_class l ON l.oid = tree.relid
                         WHERE c.relkind = 'p' AND tree.isleaf AND l.relreplident <> c.relreplident)
              OR c.relreplident = 'i' AND EXISTS (
                     SELECT FROM (SELECT c.oid AS relid
                                  UNION SELECT relid::oid FROM pg_partition_tree(c.oid) WHERE isleaf) part
                     WHERE NOT EXISTS (
                         SELECT FROM pg_index i JOIN pg_index own ON own.indrelid = c.oid AND own.indisreplident
                         WHERE i.indrelid = part.relid AND i.indisreplident
                           AND coalesce(pg_partition_root(i.indexrelid), i.indexrelid) = own.indexrelid)) THEN 'n'
            ELSE c.relreplident::text END             AS "ReplicaIdentity",
       coalesce((SELECT jsonb_agg(jsonb_build_object(
                    'schema', ln.nspname, 'name', l.relname, 'kind', l.relkind::text, 'pages', l.relpages,
                    'rows', greatest(l.reltuples, 0)::bigint, 'bytes', pg_table_size(l.oid),
                    'oid', l.oid::bigint) ORDER BY ln.nspname, l.relname)
                 FROM pg_partition_tree(c.oid) tree
                 JOIN pg_class l ON l.oid = tree.relid
                 JOIN pg_namespace ln ON ln.oid = l.relnamespace
                 WHERE tree.isleaf AND c.relkind = 'p' AND l.relkind <> 'p'),
                CASE WHEN c.relkind = 'p' THEN '[]' ELSE jsonb_build_array(jsonb_build_object(
                    'schema', n.nspname, 'name', c.relname, 'kind', c.relkind::text, 'pages', c.relpages,
                    'rows', greatest(c.reltuples, 0)::bigint, 'bytes', pg_table_size(c.oid),
                    'oid', c.oid::bigint)) END)::text AS "Leaves",
       key.columns                                     AS "KeyColumns",
       coalesce(key.excludes, false)                   AS "KeyExcludes",
       EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary AND i.indimmediate AND i.indisvalid) AS "HasPrimaryKey",
       -- An index over an expression depends on the columns in it, a constraint's index on the constraint, which depends on them.
       (SELECT array_agg(DISTINCT used.number)
        FROM pg_index i
        CROSS JOIN LATERAL (SELECT unnest(i.indkey::int2[]) AS number
                            UNION
                            SELECT d.refobjsubid::int2 FROM pg_depend d
                            WHERE d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid
                              AND d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid) used
        WHERE i.indrelid = c.oid AND (i.indisunique OR i.indisexclusion) AND used.number > 0) AS "UniqueColumns",
       -- Rows of different keys never meet in an index that has all columns of the key and compares them as the key does.
       EXISTS (SELECT FROM (SELECT c.oid AS relid UNION SELECT relid::oid FROM pg_partition_tree(c.oid)) part
               -- OFFSET 0 finds this table's indexes first: else the question is asked of each index of the database.
               CROSS JOIN LATERAL (SELECT * FROM pg_index i
                                   WHERE i.indrelid = part.relid AND (i.indisunique OR i.indisexclusion) OFFSET 0) i
               WHERE i.indisexclusion OR EXISTS (
                   SELECT FROM pg_index own
                   CROSS JOIN generate_series(0, own.indnkeyatts - 1) place
                   JOIN pg_attribute named ON named.attrelid = own.indrelid AND named.attnum = own.indkey[place]
                   WHERE own.indexrelid = key.index AND NOT EXISTS (
                       SELECT FROM generate_series(0, i.indnkeyatts - 1) slot
                       JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[slot]
                       WHERE a.attname = named.attname
                         AND i.indclass[slot] = own.indclass[place] AND i.indcollation[slot] = own.indcollation[place]))
              ) AS "HasOtherUnique",
       -- BEFORE ROW triggers fire by name, byte for byte: these fire after the guard's.
       EXISTS (SELECT FROM (SELECT c.oid AS relid UNION SELECT relid::oid FROM pg_partition_tree(c.oid)) part
               JOIN pg_trigger t ON t.tgrelid = part.relid AND NOT t.tgisinternal AND (t.tgtype & 3) = 3
               WHERE t.tgname::text COLLATE "C" > '~tenant_promotion_'
                 AND t.tgfoid NOT IN (SELECT p.oid FROM pg_proc p JOIN pg_namespace s ON s.oid = p.pronamespace
                                      WHERE s.nspname = 'tenant_promotion')) AS "HasLateTriggers"
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
-- Columns that an index only includes are no part of a key, nor of the replica identity.
-- A key WITHOUT OVERLAPS is an exclusion constraint as well. A NOT NULL that is not valid (18) lets nulls stay. A replica
-- identity that has the primary key's columns and more tells the primary key as well.
LEFT JOIN LATERAL (
    SELECT i.indexrelid AS index, (i.indkey::int2[])[0:i.indnkeyatts - 1] AS columns, i.indisexclusion AS excludes
    FROM pg_index i
    WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indimmediate
      AND i.indpred IS NULL AND i.indexprs IS NULL
      AND NOT EXISTS (SELECT FROM pg_attribute a
                      LEFT JOIN pg_constraint con ON con.conrelid = a.attrelid AND con.contype = 'n'
                           AND con.conkey = ARRAY[a.attnum]
                      WHERE a.attrelid = c.oid AND a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1])
                        AND NOT (a.attnotnull AND coalesce(con.convalidated, true)))
    ORDER BY i.indisprimary AND NOT i.indisexclusion AND EXISTS (
                 SELECT FROM pg_index r
                 WHERE r.indrelid = c.oid AND r.indisreplident
                   AND (i.indkey::int2[])[0:i.indnkeyatts - 1] <@ (r.indkey::int2[])[0:r.indnkeyatts - 1]) DESC,
             i.indisreplident DESC, i.indisprimary DESC, i.indisexclusion, i.indnkeyatts, i.indexrelid
    LIMIT 1) key ON true
WHERE c.relkind IN ('r', 'p', 'f')
  AND c.relpersistence <> 't'
  AND NOT c.relispartition
  AND n.nspname NOT LIKE 'pg\_%'
  AND n.nspname NOT IN ('information_schema', 'tenant_promotion')
  AND NOT EXISTS (SELECT FROM pg_depend d
                  WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY n.nspname, c.relname
