-- Functions that triggers, views, policies, defaults and functions like these use, and nothing else: no index, constraint,
-- generated column, partition key, type, operator or cast.
WITH RECURSIVE bound AS (
    SELECT d.refobjid AS oid
    FROM pg_depend d
    LEFT JOIN pg_attrdef f ON d.classid = 'pg_attrdef'::regclass AND f.oid = d.objid
    LEFT JOIN pg_attribute a ON a.attrelid = f.adrelid AND a.attnum = f.adnum
    WHERE d.refclassid = 'pg_proc'::regclass AND d.refobjid >= 16384
      AND d.classid NOT IN ('pg_trigger'::regclass, 'pg_rewrite'::regclass, 'pg_policy'::regclass, 'pg_proc'::regclass,
                            'pg_event_trigger'::regclass)
      AND a.attgenerated IS DISTINCT FROM ''
    UNION
    SELECT d.refobjid FROM bound
    JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = bound.oid AND d.refclassid = 'pg_proc'::regclass
)
SELECT n.nspname || '.' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')'
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
WHERE p.oid >= 16384 AND p.prokind IN ('f', 'p') AND (l.lanpltrusted OR l.lanname = 'sql')
  AND p.oid NOT IN (SELECT oid FROM bound)
