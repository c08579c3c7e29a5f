-- Objects of others that PostgreSQL would have to drop along with the schema tenant_promotion and what is in it.
-- https://www.postgresql.org/docs/current/catalog-pg-depend.html: 'n' keeps what it depends on from being dropped.
WITH schema AS (
    SELECT oid FROM pg_namespace WHERE nspname = 'tenant_promotion'
), ours (classid, objid) AS (
    SELECT 'pg_namespace'::regclass, oid FROM schema
    UNION ALL
    SELECT 'pg_class'::regclass, c.oid FROM pg_class c JOIN schema s ON s.oid = c.relnamespace WHERE c.relkind IN ('r', 'i', 'S')
    UNION ALL
    SELECT 'pg_type'::regclass, t.oid FROM pg_type t JOIN pg_class c ON c.reltype IN (t.oid, t.typelem) JOIN schema s
        ON s.oid = c.relnamespace WHERE c.relkind = 'r'
    UNION ALL
    SELECT 'pg_proc'::regclass, p.oid FROM pg_proc p JOIN schema s ON s.oid = p.pronamespace
), parts (classid, objid) AS (
    SELECT * FROM ours
    UNION ALL
    SELECT 'pg_attrdef'::regclass, a.oid FROM pg_attrdef a JOIN ours o ON o.objid = a.adrelid AND o.classid = 'pg_class'::regclass
    UNION ALL
    SELECT 'pg_constraint'::regclass, k.oid FROM pg_constraint k JOIN ours o
        ON o.objid = k.conrelid AND o.classid = 'pg_class'::regclass
    UNION ALL
    SELECT 'pg_trigger'::regclass, oid FROM pg_trigger WHERE tgisinternal OR starts_with(tgname, @TriggerPrefix)
), hanging AS (
    SELECT DISTINCT
        CASE WHEN r.oid IS NULL THEN d.classid ELSE 'pg_class'::regclass END AS classid,
        coalesce(r.ev_class, d.objid) AS objid,
        CASE WHEN r.oid IS NULL THEN d.objsubid ELSE 0 END AS part
    FROM pg_depend d
    JOIN ours o ON (o.classid, o.objid) = (d.refclassid, d.refobjid)
    LEFT JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
    WHERE d.deptype = 'n' AND (d.classid, d.objid) NOT IN (SELECT classid, objid FROM parts)
)
SELECT pg_describe_object(classid, objid, part) FROM hanging ORDER BY 1
