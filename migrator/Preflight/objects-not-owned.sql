-- The users' schemas, views, functions and types that the migrator's role does not own, by owner. Tables and sequences
-- have checks of their own.
SELECT pg_get_userbyid(o.owner)::text, array_agg(i.type || ' ' || i.identity ORDER BY i.identity)
FROM (SELECT 'pg_namespace'::regclass AS class, oid AS object, nspowner AS owner, oid AS namespace
      FROM pg_namespace WHERE nspname <> 'public'
      UNION ALL
      SELECT 'pg_class'::regclass, oid, relowner, relnamespace
      FROM pg_class WHERE relkind IN ('v', 'm') AND relpersistence <> 't'
      UNION ALL
      SELECT 'pg_proc'::regclass, oid, proowner, pronamespace
      FROM pg_proc
      UNION ALL
      SELECT 'pg_type'::regclass, oid, typowner, typnamespace
      FROM pg_type
      WHERE typtype IN ('d', 'e', 'r')
         OR (typtype = 'c' AND (SELECT relkind FROM pg_class WHERE oid = typrelid) = 'c')) o
JOIN pg_namespace n ON n.oid = o.namespace
     AND n.nspname NOT LIKE 'pg\_%' AND n.nspname NOT IN ('information_schema', 'tenant_promotion'),
     pg_identify_object(o.class, o.object, 0) i
WHERE NOT pg_has_role(o.owner, 'USAGE')
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = o.class AND d.objid = o.object AND d.deptype IN ('e', 'i'))
GROUP BY o.owner
