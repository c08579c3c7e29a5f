-- Refuses every write in the isolated database that is not the migrator's, until the mark says that the tenant's writes are
-- accepted here. A statement trigger: COPY of a million rows calls it once, and a partition that is written directly calls
-- its own.
CREATE OR REPLACE FUNCTION tenant_promotion.guard_arrival() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET debug_print_plan = off AS $arrival$
DECLARE
    mark record;
    given text;
BEGIN
    SELECT o.live, o.tenant_slug, o.pass INTO mark FROM tenant_promotion.owner o;
    IF mark.live THEN
        RETURN NULL;
    END IF;
    given := current_setting('tenant_promotion.arrival', true);
    IF coalesce(given, '') = '' OR NOT pg_has_role(session_user, current_user, 'MEMBER')
        OR given IS DISTINCT FROM encode(sha256(convert_to(
        mark.pass || ' ' || pg_current_xact_id()::text, 'UTF8')), 'hex') THEN
        RAISE EXCEPTION 'tenant % does not accept writes in this database', mark.tenant_slug
            USING ERRCODE = 'read_only_sql_transaction',
                  HINT = 'The tenant has not arrived here. Look up its route again and repeat the transaction there.';
    END IF;
    RETURN NULL;
END
$arrival$;
REVOKE ALL ON FUNCTION tenant_promotion.guard_arrival() FROM PUBLIC;

-- One transaction for all tables: CREATE TRIGGER waits for the table's writers, so that the rows of all of them are seen.
DO $install$
DECLARE
    part record;
    has_rows boolean;
    written text := '';
BEGIN
    FOR part IN
        SELECT c.oid::regclass AS name, c.relkind
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p') AND n.nspname NOT LIKE 'pg\_%'
          AND n.nspname NOT IN ('information_schema', 'tenant_promotion')
          AND NOT EXISTS (SELECT FROM pg_depend d
                          WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
          AND NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgname = '~tenant_promotion_arrival')
        ORDER BY c.oid
    LOOP
        EXECUTE format('CREATE TRIGGER "~tenant_promotion_arrival" BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON %s '
                       'FOR EACH STATEMENT EXECUTE FUNCTION tenant_promotion.guard_arrival()', part.name);
        EXECUTE format('ALTER TABLE ONLY %s ENABLE ALWAYS TRIGGER "~tenant_promotion_arrival"', part.name);
        EXECUTE format('SELECT EXISTS (SELECT FROM ONLY %s)', part.name) INTO has_rows;
        IF has_rows THEN
            written := written || ', ' || part.name;
        END IF;
    END LOOP;
    IF written <> '' THEN
        RAISE EXCEPTION 'rows were written into %', substr(written, 3)
            USING ERRCODE = 'read_only_sql_transaction';
    END IF;
END
$install$
