-- What the shared database asks of the role @worker. is_there: the role has it already.
WITH worker AS (
    SELECT oid, rolsuper, rolbypassrls, rolcanlogin FROM pg_roles WHERE rolname = @worker
), users_objects (owner) AS (
    SELECT c.relowner FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'S', 'v', 'm') AND c.relpersistence <> 't' AND n.nspname !~ '^(pg_|information_schema$|tenant_promotion$)'
    UNION
    SELECT p.proowner FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname !~ '^(pg_|information_schema$|tenant_promotion$)'
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
)
SELECT statement, reason, is_there
FROM (
    SELECT 1 AS place, format('CREATE ROLE %I LOGIN PASSWORD ''…''', @worker) AS statement,
           'reads and writes the rows, and owns the schema tenant_promotion' AS reason,
           EXISTS (SELECT FROM worker WHERE rolcanlogin) AS is_there
    UNION ALL
    SELECT 2, format('GRANT %I TO %I', r.rolname, @worker),
           'the guard''s triggers, the publication and the dump take the owner of the tables',
           coalesce((SELECT pg_has_role(w.oid, r.oid, 'MEMBER') FROM worker w), false)
    FROM pg_roles r WHERE r.oid IN (SELECT owner FROM users_objects) AND NOT r.rolsuper AND r.rolname <> @worker
    UNION ALL
    SELECT 3, format('GRANT CREATE, TEMPORARY ON DATABASE %I TO %I', current_database(), @worker),
           'CREATE: the schema tenant_promotion and the publication; TEMPORARY: rows that are compared and brought back',
           coalesce((SELECT has_database_privilege(w.oid, current_database(), 'CREATE')
                        AND has_database_privilege(w.oid, current_database(), 'TEMPORARY') FROM worker w), false)
    UNION ALL
    SELECT 4, format('ALTER ROLE %I BYPASSRLS', @worker),
           'FORCE ROW LEVEL SECURITY hides rows even from the owner of ' || string_agg(c.oid::regclass::text, ', ' ORDER BY 1),
           coalesce((SELECT rolsuper OR rolbypassrls FROM worker), false)
    FROM pg_class c WHERE c.relforcerowsecurity HAVING count(*) > 0
    UNION ALL
    SELECT 5, format('GRANT pg_read_all_stats TO %I', @worker),
           'only for --max-active-sessions: sees whether other roles'' sessions are at work',
           coalesce((SELECT pg_has_role(w.oid, 'pg_read_all_stats', 'MEMBER') FROM worker w), false)
) needed
ORDER BY place, statement
