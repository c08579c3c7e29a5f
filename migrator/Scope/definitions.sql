-- Everything that pg_dump --schema-only shows, a line an object: what it is, the table that it belongs to (a partition's is
-- the table that it is a part of), its name, and its definition. Objects of extensions, the migrator's own objects and
-- temporary ones are left out. Definitions are hashed, apart from an enum's labels.
WITH schemas AS MATERIALIZED (
    SELECT oid, nspname, nspowner, nspacl FROM pg_namespace
    WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'tenant_promotion')
), members AS MATERIALIZED (
    SELECT classid, objid FROM pg_depend WHERE deptype = 'e'
), relations AS MATERIALIZED (
    SELECT c.*, s.nspname AS schema, coalesce(rs.nspname, s.nspname) AS root_schema, coalesce(r.relname, c.relname) AS root_name
    FROM pg_class c
    JOIN schemas s ON s.oid = c.relnamespace
    -- The sequence of a column is a part of the column's table.
    LEFT JOIN pg_depend o ON c.relkind = 'S' AND o.classid = 'pg_class'::regclass AND o.objid = c.oid
         AND o.refclassid = 'pg_class'::regclass AND o.deptype IN ('a', 'i')
    LEFT JOIN pg_class r ON (c.relispartition AND r.oid = pg_partition_root(c.oid))
         OR (c.relkind = 'S' AND r.oid = coalesce(pg_partition_root(o.refobjid), o.refobjid))
    LEFT JOIN pg_namespace rs ON rs.oid = r.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S', 'c') AND c.relpersistence <> 't'
      AND NOT EXISTS (SELECT FROM members e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid)
)
SELECT 'relation' AS kind, root_schema::text AS schema, root_name::text AS relation, (schema || '.' || relname) AS object,
       md5(concat_ws('|', relkind, relpersistence, relowner::regrole, relrowsecurity, relforcerowsecurity, relreplident,
                     reloptions, relispartition, pg_get_expr(relpartbound, oid), reltablespace,
                     CASE WHEN relkind IN ('v', 'm') THEN pg_get_viewdef(oid) END,
                     CASE WHEN relkind = 'p' THEN pg_get_partkeydef(oid) END,
                     (SELECT concat_ws(',', s.seqtypid, s.seqincrement, s.seqmin, s.seqmax, s.seqcycle)
                      FROM pg_sequence s WHERE s.seqrelid = relations.oid),
                     (SELECT string_agg(i.inhparent::regclass::text, ',' ORDER BY i.inhseqno) FROM pg_inherits i
                      WHERE i.inhrelid = relations.oid))) AS definition
FROM relations
UNION ALL
-- Not shown by pg_dump: a table of the same name and form may be another table, and its rows may have been written anew.
SELECT k.kind, root_schema, root_name, schema || '.' || relname, k.number::text
FROM relations, LATERAL (VALUES ('identity', oid), ('storage', relfilenode)) k (kind, number)
WHERE relkind = 'r' OR (relkind = 'p' AND k.kind = 'identity')
UNION ALL
SELECT 'grant', root_schema, root_name, schema || '.' || relname, md5(relacl::text) FROM relations WHERE relacl IS NOT NULL
UNION ALL
SELECT 'column', r.root_schema, r.root_name, r.schema || '.' || r.relname || '.' || a.attname,
       md5(concat_ws('|', format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attgenerated, a.attidentity,
                     NULLIF(a.attcollation, t.typcollation)::regcollation, a.attacl, a.attoptions,
                     pg_get_expr(d.adbin, d.adrelid)))
FROM relations r
JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE r.relkind <> 'S'
UNION ALL
SELECT 'constraint', r.root_schema, r.root_name, r.schema || '.' || r.relname || '.' || con.conname,
       md5(concat_ws('|', pg_get_constraintdef(con.oid), con.convalidated))
FROM pg_constraint con JOIN relations r ON r.oid = con.conrelid
WHERE con.contype <> 't'
UNION ALL
SELECT CASE WHEN i.indisunique THEN 'unique index' ELSE 'index' END, r.root_schema, r.root_name,
       r.schema || '.' || r.relname || '.' || x.relname,
       md5(concat_ws('|', pg_get_indexdef(i.indexrelid), i.indisvalid, i.indisreplident))
FROM pg_index i JOIN relations r ON r.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid
UNION ALL
SELECT 'statistics', r.root_schema, r.root_name, r.schema || '.' || r.relname || '.' || s.stxname,
       md5(pg_get_statisticsobjdef(s.oid))
FROM pg_statistic_ext s JOIN relations r ON r.oid = s.stxrelid
UNION ALL
SELECT 'trigger', r.root_schema, r.root_name, r.schema || '.' || r.relname || '.' || t.tgname,
       md5(concat_ws('|', pg_get_triggerdef(t.oid), t.tgenabled))
FROM pg_trigger t JOIN relations r ON r.oid = t.tgrelid
-- pg_repack has a trigger of its own while it works.
WHERE NOT t.tgisinternal AND t.tgname <> 'repack_trigger'
  AND t.tgfoid NOT IN (SELECT p.oid FROM pg_proc p JOIN pg_namespace s ON s.oid = p.pronamespace
                       WHERE s.nspname = 'tenant_promotion')
UNION ALL
SELECT 'policy', r.root_schema, r.root_name, r.schema || '.' || r.relname || '.' || p.polname,
       md5(concat_ws('|', p.polcmd, p.polpermissive, p.polroles, pg_get_expr(p.polqual, p.polrelid),
                     pg_get_expr(p.polwithcheck, p.polrelid)))
FROM pg_policy p JOIN relations r ON r.oid = p.polrelid
UNION ALL
SELECT 'rule', r.root_schema, r.root_name, r.schema || '.' || r.relname || '.' || w.rulename,
       md5(concat_ws('|', pg_get_ruledef(w.oid), w.ev_enabled))
FROM pg_rewrite w JOIN relations r ON r.oid = w.ev_class
WHERE w.rulename <> '_RETURN'
UNION ALL
SELECT 'function', s.nspname, NULL, s.nspname || '.' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')',
       md5(concat_ws('|', p.prokind, pg_get_function_result(p.oid), p.prosrc, pg_get_function_sqlbody(p.oid), p.probin,
                     p.proconfig, p.provolatile, p.prosecdef, p.proisstrict, p.proparallel, p.proleakproof, p.proacl,
                     p.proowner::regrole, p.prolang, pg_get_expr(p.proargdefaults, 0)))
FROM pg_proc p JOIN schemas s ON s.oid = p.pronamespace
WHERE NOT EXISTS (SELECT FROM members e WHERE e.classid = 'pg_proc'::regclass AND e.objid = p.oid)
UNION ALL
SELECT CASE t.typtype WHEN 'e' THEN 'enum' WHEN 'd' THEN 'domain' ELSE 'type' END, s.nspname, NULL, s.nspname || '.' || t.typname,
       CASE WHEN t.typtype = 'e'
            THEN (SELECT jsonb_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid)::text
            ELSE md5(concat_ws('|', format_type(t.typbasetype, t.typtypmod), t.typnotnull, t.typdefault, t.typowner::regrole,
                               t.typcollation::regcollation,
                               (SELECT string_agg(c.conname || pg_get_constraintdef(c.oid) || c.convalidated, ',' ORDER BY c.conname)
                                FROM pg_constraint c WHERE c.contypid = t.oid),
                               (SELECT concat_ws(',', r.rngsubtype, r.rngsubopc, r.rngcollation) FROM pg_range r
                                WHERE r.rngtypid = t.oid))) END
FROM pg_type t JOIN schemas s ON s.oid = t.typnamespace
WHERE t.typtype IN ('e', 'd', 'r', 'b') AND t.typelem = 0
  AND NOT EXISTS (SELECT FROM members e WHERE e.classid = 'pg_type'::regclass AND e.objid = t.oid)
UNION ALL
SELECT 'type grant', s.nspname, NULL, s.nspname || '.' || t.typname, md5(t.typacl::text)
FROM pg_type t JOIN schemas s ON s.oid = t.typnamespace WHERE t.typacl IS NOT NULL
UNION ALL
SELECT 'schema', nspname, NULL, nspname, md5(concat_ws('|', nspowner::regrole, nspacl)) FROM schemas
UNION ALL
SELECT 'default grant', coalesce(n.nspname, ''), NULL, concat_ws(' ', d.defaclrole::regrole, d.defaclobjtype), md5(d.defaclacl::text)
FROM pg_default_acl d LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace
-- Every login may have some for itself. Only whoever is a member of the login can make them elsewhere.
WHERE pg_has_role(d.defaclrole, 'USAGE')
UNION ALL
SELECT 'extension', '', NULL, extname, md5(concat_ws('|', extversion, extnamespace::regnamespace)) FROM pg_extension
UNION ALL
SELECT 'operator', s.nspname, NULL, o.oid::regoperator::text, md5(concat_ws('|', o.oprcode, o.oprcom, o.oprnegate, o.oprrest, o.oprjoin))
FROM pg_operator o JOIN schemas s ON s.oid = o.oprnamespace
WHERE NOT EXISTS (SELECT FROM members e WHERE e.classid = 'pg_operator'::regclass AND e.objid = o.oid)
UNION ALL
SELECT 'cast', '', NULL, format_type(c.castsource, NULL) || ' to ' || format_type(c.casttarget, NULL),
       md5(concat_ws('|', c.castfunc::regprocedure, c.castcontext, c.castmethod))
FROM pg_cast c
WHERE c.oid >= 16384 AND NOT EXISTS (SELECT FROM members e WHERE e.classid = 'pg_cast'::regclass AND e.objid = c.oid)
