-- Takes away what the default privileges of our role have given to others. Nobody else needs any right here, and the schema's
-- being closed is not enough: a sequence can be moved by its number, without its name.
-- https://www.postgresql.org/docs/current/sql-alterdefaultprivileges.html
DO $rights$
DECLARE
    given record;
BEGIN
    FOR given IN
        WITH schema AS (
            SELECT oid, nspowner AS owner, nspacl AS acl FROM pg_namespace WHERE nspname = 'tenant_promotion'
        ), objects (kind, name, owner, acl) AS (
            SELECT 'SCHEMA', 'tenant_promotion', owner, acl FROM schema
            UNION ALL
            SELECT CASE relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, c.oid::regclass::text, relowner, relacl
            FROM pg_class c JOIN schema s ON s.oid = c.relnamespace WHERE relkind IN ('r', 'S')
            UNION ALL
            SELECT 'FUNCTION', p.oid::regprocedure::text, proowner, coalesce(proacl, acldefault('f', proowner))
            FROM pg_proc p JOIN schema s ON s.oid = p.pronamespace
        )
        SELECT DISTINCT o.kind, o.name, coalesce(quote_ident(r.rolname), 'PUBLIC') AS role
        FROM objects o JOIN schema s USING (owner) CROSS JOIN aclexplode(o.acl) a LEFT JOIN pg_roles r ON r.oid = a.grantee
        WHERE a.grantee <> o.owner
    LOOP
        EXECUTE format('REVOKE ALL ON %s %s FROM %s CASCADE', given.kind, given.name, given.role);
    END LOOP;
END
$rights$;
