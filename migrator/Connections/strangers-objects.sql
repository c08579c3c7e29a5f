-- What in the schema tenant_promotion somebody else has made: it, its objects, and what hangs on its tables. Nothing of it is run.
-- A superuser needs no such way to do what the migrator may.
WITH ours AS (
    SELECT oid FROM pg_roles WHERE rolname = session_user OR rolsuper
), schema AS (
    SELECT oid, nspowner FROM pg_namespace WHERE nspname = 'tenant_promotion'
), objects (kind, name, owner) AS (
    SELECT 'schema', 'tenant_promotion', nspowner FROM schema
    UNION ALL
    SELECT 'relation', c.relname, c.relowner FROM pg_class c JOIN schema s ON s.oid = c.relnamespace
    UNION ALL
    SELECT 'function', p.proname, p.proowner FROM pg_proc p JOIN schema s ON s.oid = p.pronamespace
    UNION ALL
    SELECT 'type', t.typname, t.typowner FROM pg_type t JOIN schema s ON s.oid = t.typnamespace
    UNION ALL
    SELECT 'operator', o.oprname, o.oprowner FROM pg_operator o JOIN schema s ON s.oid = o.oprnamespace
    UNION ALL
    SELECT 'trigger', format('%s on %s', t.tgname, c.relname), NULL
    FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN schema s ON s.oid = c.relnamespace
    WHERE NOT t.tgisinternal
    UNION ALL
    SELECT 'rule', format('%s on %s', r.rulename, c.relname), NULL
    FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class JOIN schema s ON s.oid = c.relnamespace
    UNION ALL
    SELECT 'policy', format('%s on %s', p.polname, c.relname), NULL
    FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid JOIN schema s ON s.oid = c.relnamespace
)
SELECT format('%s %s (%s)', kind, name, coalesce(owner::regrole::text, 'not the migrator''s'))
FROM objects WHERE owner IS NULL OR owner NOT IN (SELECT oid FROM ours)
ORDER BY kind <> 'schema', kind, name LIMIT 10
