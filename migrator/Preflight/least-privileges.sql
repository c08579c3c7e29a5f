-- What the shared database asks of the role @worker. is_there: the role has it already.
WITH worker AS (
    SELECT oid, rolcanlogin FROM pg_roles WHERE rolname = @worker
), objects (class, object, owner, namespace, name) AS (
    SELECT 'pg_class'::regclass, oid, relowner, relnamespace, oid::regclass::text
    FROM pg_class WHERE relkind IN ('r', 'p', 'S', 'v', 'm') AND relpersistence <> 't'
    UNION ALL
    SELECT 'pg_proc'::regclass, oid, proowner, pronamespace, oid::regprocedure::text FROM pg_proc
    UNION ALL
    SELECT 'pg_namespace'::regclass, oid, nspowner, oid, 'schema ' || oid::regnamespace FROM pg_namespace WHERE nspname <> 'public'
    UNION ALL
    SELECT 'pg_type'::regclass, oid, typowner, typnamespace, 'type ' || oid::regtype
    FROM pg_type
    WHERE typtype IN ('d', 'e', 'r') OR (typtype = 'c' AND (SELECT relkind FROM pg_class WHERE oid = typrelid) = 'c')
), owners AS (
    SELECT r.rolname, r.oid, r.rolsuper, count(*) AS n, (array_agg(o.name ORDER BY o.name))[1:3] AS few
    FROM objects o JOIN pg_namespace n ON n.oid = o.namespace AND n.nspname !~ '^(pg_|information_schema$|tenant_promotion$)'
    JOIN pg_roles r ON r.oid = o.owner
    WHERE r.rolname <> @worker
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = o.class AND d.objid = o.object AND d.deptype IN ('e', 'i'))
    GROUP BY r.oid, r.rolname, r.rolsuper
)
SELECT statement, reason, is_there, by_hand
FROM (
    SELECT 1 AS place, format(CASE WHEN EXISTS (SELECT FROM worker) THEN 'ALTER ROLE %I LOGIN' ELSE 'CREATE ROLE %I LOGIN' END,
                              @worker) AS statement,
           'reads and writes the rows, and owns the schema tenant_promotion; a new role has no password yet' AS reason,
           EXISTS (SELECT FROM worker WHERE rolcanlogin) AS is_there, false AS by_hand
    UNION ALL
    SELECT 2, format('GRANT %I TO %I', rolname, @worker),
           CASE WHEN rolsuper
               THEN format('%I is a superuser, and %I would be one. It owns %s%s: let a role of its own have these '
                           || '(ALTER … OWNER TO …), and ask again', rolname, @worker, array_to_string(few, ', '),
                           CASE WHEN n > 3 THEN format(' and %s more', n - 3) END)
               ELSE 'the guard''s triggers, the publication and the dump take the owner of the objects' END,
           coalesce((SELECT pg_has_role(w.oid, owners.oid, 'MEMBER') FROM worker w), false), rolsuper
    FROM owners
    UNION ALL
    SELECT 3, format('GRANT %s ON DATABASE %I TO %I', privilege, current_database(), @worker), purpose,
           coalesce((SELECT has_database_privilege(w.oid, current_database(), privilege) FROM worker w), false), false
    FROM (VALUES ('CREATE', 'the schema tenant_promotion and the publication'),
                 ('TEMPORARY', 'rows that are compared and brought back')) p (privilege, purpose)
    -- What everybody has, and what comes with the membership in an owner, has not to be given.
    WHERE NOT has_database_privilege('public', current_database(), privilege)
      AND NOT EXISTS (SELECT FROM owners
                      WHERE NOT rolsuper AND has_database_privilege(oid, current_database(), privilege))
    UNION ALL
    SELECT 4, format('GRANT pg_read_all_stats TO %I', @worker),
           'only for --max-active-sessions: sees whether other roles'' sessions are at work',
           coalesce((SELECT pg_has_role(w.oid, 'pg_read_all_stats', 'MEMBER') FROM worker w), false), true
) needed
ORDER BY place, statement
