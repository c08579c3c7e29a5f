-- Removes every object a user made, except our own mark: the state before the schema was cloned.
DO $empty$
DECLARE
    object record;
BEGIN
    FOR object IN SELECT extname AS name FROM pg_extension WHERE extname <> 'plpgsql' AND pg_has_role(extowner, 'USAGE') LOOP
        EXECUTE format('DROP EXTENSION IF EXISTS %I CASCADE', object.name);
    END LOOP;
    FOR object IN SELECT nspname AS name FROM pg_namespace
                  WHERE nspname NOT LIKE 'pg\_%' AND nspname NOT IN ('information_schema', 'tenant_promotion', 'public') LOOP
        EXECUTE format('DROP SCHEMA %I CASCADE', object.name);
    END LOOP;
    -- public may belong to somebody else, so its content goes and not the schema.
    FOR object IN SELECT c.relname AS name,
                         CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE'
                                        WHEN 'f' THEN 'FOREIGN TABLE' ELSE 'TABLE' END AS kind
                  FROM pg_class c
                  WHERE c.relnamespace = to_regnamespace('public') AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
                    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
                  -- An identity's sequence goes with its table, and only with it.
                  ORDER BY c.relkind = 'S' LOOP
        IF to_regclass(format('public.%I', object.name)) IS NOT NULL THEN
            EXECUTE format('DROP %s IF EXISTS public.%I CASCADE', object.kind, object.name);
        END IF;
    END LOOP;
    FOR object IN SELECT p.oid::regprocedure AS name,
                         CASE p.prokind WHEN 'a' THEN 'AGGREGATE' WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END AS kind
                  FROM pg_proc p
                  WHERE p.pronamespace = to_regnamespace('public')
                    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e') LOOP
        IF EXISTS (SELECT FROM pg_proc WHERE oid = object.name) THEN
            EXECUTE format('DROP %s IF EXISTS %s CASCADE', object.kind, object.name);
        END IF;
    END LOOP;
    FOR object IN SELECT t.oid, t.typname AS name, CASE t.typtype WHEN 'd' THEN 'DOMAIN' ELSE 'TYPE' END AS kind
                  FROM pg_type t
                  WHERE t.typnamespace = to_regnamespace('public') AND t.typtype IN ('d', 'e', 'c', 'r', 'b')
                    AND (t.typrelid = 0 OR (SELECT relkind FROM pg_class WHERE oid = t.typrelid) = 'c')
                    AND NOT (t.typcategory = 'A' AND t.typelem <> 0)
                    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = t.oid AND d.deptype = 'e') LOOP
        IF EXISTS (SELECT FROM pg_type WHERE oid = object.oid) THEN
            EXECUTE format('DROP %s IF EXISTS public.%I CASCADE', object.kind, object.name);
        END IF;
    END LOOP;
    FOR object IN SELECT collname AS name FROM pg_collation WHERE collnamespace = to_regnamespace('public') LOOP
        EXECUTE format('DROP COLLATION IF EXISTS public.%I CASCADE', object.name);
    END LOOP;
    FOR object IN SELECT cfgname AS name FROM pg_ts_config WHERE cfgnamespace = to_regnamespace('public') LOOP
        EXECUTE format('DROP TEXT SEARCH CONFIGURATION IF EXISTS public.%I CASCADE', object.name);
    END LOOP;
    FOR object IN SELECT dictname AS name FROM pg_ts_dict WHERE dictnamespace = to_regnamespace('public') LOOP
        EXECUTE format('DROP TEXT SEARCH DICTIONARY IF EXISTS public.%I CASCADE', object.name);
    END LOOP;
    FOR object IN SELECT oprname AS name, oprleft::regtype AS l, oprright::regtype AS r FROM pg_operator
                  WHERE oprnamespace = to_regnamespace('public') LOOP
        EXECUTE format('DROP OPERATOR IF EXISTS public.%s (%s, %s) CASCADE', object.name, object.l, object.r);
    END LOOP;
    -- The guard of an earlier rollback.
    FOR object IN SELECT p.oid::regprocedure AS name FROM pg_proc p WHERE p.pronamespace = 'tenant_promotion'::regnamespace LOOP
        EXECUTE format('DROP FUNCTION %s CASCADE', object.name);
    END LOOP;
    DROP TABLE IF EXISTS tenant_promotion.guard;
    DELETE FROM tenant_promotion.loaded;
    DELETE FROM tenant_promotion.copied_digest;
END
$empty$
