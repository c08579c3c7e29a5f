-- The write guard's memory and its rules. The same in the shared and, for a rollback, in the isolated database.
--
-- open:   writes pass. A run that pauses them holds the tenant's table "…_gate", and they wait for that lock.
-- closed: writes fail as long as a run holds the tenant's table "…_run"; the first write after that opens the guard.
-- moved:  written by the commit that moves the tenant elsewhere. Writes fail. After finalize the row stays, and the fence
--         (Fence.cs) has the place of the tenant's own triggers.
CREATE TABLE IF NOT EXISTS tenant_promotion.guard (
    tenant_key  text PRIMARY KEY,
    tenant_slug text NOT NULL,
    state       text NOT NULL,
    pass        text NOT NULL,
    changed_at  timestamptz NOT NULL DEFAULT now()
);

-- In an earlier version 'closed' was said of both. Only where columns are missing, because ALTER TABLE waits for writers.
DO $upgrade$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'tenant_promotion.guard'::regclass AND attname = 'epoch') THEN
        -- How often a write has opened the guard after the run that closed it was gone.
        ALTER TABLE tenant_promotion.guard ADD COLUMN epoch bigint NOT NULL DEFAULT 0;
        ALTER TABLE tenant_promotion.guard DROP CONSTRAINT IF EXISTS guard_state_check,
            ADD CONSTRAINT guard_state_check CHECK (state IN ('open', 'closed', 'moved'));
        IF to_regclass('tenant_promotion.promotion') IS NOT NULL THEN
            UPDATE tenant_promotion.guard g SET state = 'moved'
            WHERE state = 'closed' AND EXISTS (
                SELECT FROM tenant_promotion.promotion p
                WHERE p.tenant_key = g.tenant_key AND p.state IN ('isolated', 'rolling-back', 'finalized'));
        END IF;
    END IF;
END
$upgrade$;

-- Shows that whoever says a text knows the secret. Built as HMAC is, by an inner and an outer hash, each behind a block of
-- its own that the secret fills: https://www.rfc-editor.org/rfc/rfc2104. Reassignment.cs computes the same.
-- A session that prints plans (debug_print_plan) would be shown the secret.
CREATE OR REPLACE FUNCTION tenant_promotion.proof(secret text, said text) RETURNS text LANGUAGE sql IMMUTABLE
    SET debug_print_plan = off AS $proof$
    SELECT pg_catalog.encode(pg_catalog.sha256(
        pg_catalog.convert_to(pg_catalog.rpad(secret, 64, 'o'), 'UTF8') OPERATOR(pg_catalog.||) pg_catalog.sha256(
        pg_catalog.convert_to(pg_catalog.rpad(secret, 64, 'i') OPERATOR(pg_catalog.||) said, 'UTF8'))), 'hex')
$proof$;

-- The names of a tenant's own tables and functions begin with this. As volatile as convert_to is, or PostgreSQL would not put
-- the expression in the place of each call.
CREATE OR REPLACE FUNCTION tenant_promotion.prefix(key text) RETURNS text LANGUAGE sql STABLE AS $prefix$
    SELECT '~tenant_promotion_' OPERATOR(pg_catalog.||) pg_catalog.left(
        pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(key, 'UTF8')), 'hex'), 12)
$prefix$;

-- Opens a closed guard if the run that has closed it is gone. PostgreSQL frees a lock when its transaction ends, and the
-- commit that moves the tenant is that transaction's: so whoever gets the lock knows that the tenant has moved, or never
-- will by that run. The lock is shared by writers, and keeps the next run away until they have ended.
CREATE OR REPLACE FUNCTION tenant_promotion.reopen(key text) RETURNS boolean LANGUAGE plpgsql AS $reopen$
BEGIN
    BEGIN
        EXECUTE format('LOCK TABLE tenant_promotion.%I IN SHARE MODE NOWAIT', tenant_promotion.prefix(key) || '_run');
    EXCEPTION WHEN lock_not_available OR undefined_table THEN
        RETURN false;
    END;
    -- Under REPEATABLE READ a guard that has changed since the snapshot is a serialization failure.
    UPDATE tenant_promotion.guard SET state = 'open', epoch = epoch + 1, changed_at = clock_timestamp()
    WHERE tenant_key = key AND state = 'closed';
    RETURN EXISTS (SELECT FROM tenant_promotion.guard WHERE tenant_key = key AND state = 'open');
END
$reopen$;

-- Lets a write of the tenant pass, or not. The caller holds the gate: the row does not become 'moved' meanwhile. The fence
-- calls this without a gate, and only of a tenant that has left.
CREATE OR REPLACE FUNCTION tenant_promotion.hold(key text) RETURNS void LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp SET debug_print_plan = off AS $hold$
DECLARE
    guard record;
    given text;
BEGIN
    IF current_setting('transaction_isolation') = 'read committed' THEN
        SELECT g.state, g.pass, g.tenant_slug INTO guard FROM tenant_promotion.guard g WHERE g.tenant_key = key;
    ELSE
        -- The snapshot may be older than the guard's last change. Then this is a serialization failure, not an answer.
        SELECT g.state, g.pass, g.tenant_slug INTO guard FROM tenant_promotion.guard g WHERE g.tenant_key = key FOR SHARE;
    END IF;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'tenant % began to move to a database of its own after this transaction took its snapshot', key
            USING ERRCODE = 'serialization_failure', HINT = 'Repeat the transaction.';
    END IF;
    IF guard.state = 'open' THEN
        RETURN;
    END IF;
    -- Every function that runs in the transaction can read the setting. What it reads opens no other transaction. A login
    -- that may read every table (pg_read_all_data) knows the secret, and is none of ours all the same.
    given := current_setting('tenant_promotion.pass', true);
    IF given <> '' AND pg_has_role(session_user, current_user, 'MEMBER')
        AND given = tenant_promotion.proof(guard.pass, 'pass ' || pg_current_xact_id()::text) THEN
        RETURN;
    END IF;
    IF guard.state <> 'closed' OR NOT tenant_promotion.reopen(key) THEN
        PERFORM tenant_promotion.refuse(guard.tenant_slug);
    END IF;
END
$hold$;

-- Whoever has looked at rows by a snapshot that may be an old one: the guard has not changed since, or this is a serialization
-- failure. The caller holds the gate.
CREATE OR REPLACE FUNCTION tenant_promotion.same(key text) RETURNS void LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp AS $same$
BEGIN
    PERFORM FROM tenant_promotion.guard g WHERE g.tenant_key = key FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'tenant % began to move to a database of its own after this transaction took its snapshot', key
            USING ERRCODE = 'serialization_failure', HINT = 'Repeat the transaction.';
    END IF;
END
$same$;

-- Notes, in a session that leaves rows alone, the table of an INSERT until the INSERT has ended. A row of the table that it
-- meets by a key (ON CONFLICT DO UPDATE, MERGE) is not left alone: what is inserted would vanish. Runs with the rights and
-- settings of whoever writes; a failure takes the note back.
CREATE OR REPLACE FUNCTION tenant_promotion.inserting() RETURNS trigger LANGUAGE plpgsql AS $inserting$
DECLARE
    noted text := pg_catalog.current_setting('tenant_promotion.inserting', true);
    own text := pg_catalog.concat('<', coalesce(pg_catalog.pg_partition_root(TG_RELID)::pg_catalog.oid, TG_RELID), '>');
BEGIN
    IF TG_WHEN OPERATOR(pg_catalog.=) 'BEFORE' THEN
        noted := pg_catalog.concat(noted, own);
    ELSE
        noted := pg_catalog.regexp_replace(noted, own, '');
    END IF;
    PERFORM pg_catalog.set_config('tenant_promotion.inserting', noted, true);
    RETURN NULL;
END
$inserting$;

-- Whether a statement leaves a row alone that it would change or delete. A job over all tenants may ask for that, of tenants
-- who have moved: of another tenant it would miss rows that are here. What a trigger or a foreign key does at depth 2 is
-- never left undone, for the row that they serve has been written. A session with a pass means what it writes.
CREATE OR REPLACE FUNCTION tenant_promotion.skips(key text, relation oid) RETURNS boolean LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp AS $skips$
BEGIN
    IF current_setting('tenant_promotion.moved', true) IS DISTINCT FROM 'skip' OR pg_trigger_depth() > 1
        OR current_setting('tenant_promotion.pass', true) <> ''
        OR strpos(current_setting('tenant_promotion.inserting', true),
                  concat('<', coalesce(pg_partition_root(relation)::oid, relation), '>')) > 0 THEN
        RETURN false;
    END IF;
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        -- The tenant may have come home since the snapshot. Then this is a serialization failure.
        PERFORM 1 FROM tenant_promotion.guard g WHERE g.tenant_key = key FOR SHARE;
    END IF;
    RETURN EXISTS (SELECT FROM tenant_promotion.guard g WHERE g.tenant_key = key AND g.state = 'moved');
END
$skips$;

CREATE OR REPLACE FUNCTION tenant_promotion.refuse(slug text) RETURNS void LANGUAGE plpgsql AS $refuse$
BEGIN
    RAISE EXCEPTION 'tenant % does not accept writes in this database', slug
        USING ERRCODE = 'read_only_sql_transaction',
              HINT = 'The tenant is moving or has moved. Look up its route again and repeat the transaction there.';
END
$refuse$;

-- A row becomes the tenant's, or is the tenant's no longer: the change itself may not tell (without a full replica
-- identity it brings the new tenant only), so this does, in the stream and in its place. Arguments: tenant, schema,
-- table, key columns. The settings are those under which the stream is read: a key must read alike in both.
CREATE OR REPLACE FUNCTION tenant_promotion.tell_moved(about text[], before anyelement, after anyelement) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET debug_print_plan = off
    SET TimeZone = 'UTC' SET DateStyle = 'ISO, YMD' SET IntervalStyle = 'postgres' SET extra_float_digits = 1
    SET bytea_output = 'hex' AS $tell$
DECLARE
    columns text := (SELECT string_agg(format('format(''%%s'', ($1).%I)', name), ', ' ORDER BY n)
                     FROM unnest(about[4:]) WITH ORDINALITY AS k (name, n));
    old_key jsonb;
    new_key jsonb;
    said text;
    secret text;
BEGIN
    -- Anybody may write into the log. The proof tells the stream that the guard has written this.
    SELECT g.pass INTO secret FROM tenant_promotion.guard g WHERE g.tenant_key = about[1];
    IF NOT FOUND THEN
        RAISE EXCEPTION 'tenant % began to move to a database of its own after this transaction took its snapshot', about[1]
            USING ERRCODE = 'serialization_failure', HINT = 'Repeat the transaction.';
    END IF;
    -- A guard of an earlier version has no such sequence.
    PERFORM nextval(to_regclass(format('tenant_promotion.%I', tenant_promotion.prefix(about[1]) || '_travelled')));
    EXECUTE format('SELECT jsonb_build_array(%s)', columns) INTO old_key USING before;
    EXECUTE format('SELECT jsonb_build_array(%s)', columns) INTO new_key USING after;
    said := jsonb_build_object(
        'tenant', about[1], 'schema', about[2], 'table', about[3], 'old', old_key, 'new', new_key)::text;
    PERFORM pg_logical_emit_message(true, 'tenant_promotion_moved',
        convert_to(tenant_promotion.proof(secret, 'moved ' || said) || said, 'UTF8'));
END
$tell$;

CREATE OR REPLACE FUNCTION tenant_promotion.guard_moved() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $moved$
BEGIN
    PERFORM tenant_promotion.tell_moved(TG_ARGV[0:], OLD, NEW);
    RETURN NEW;
END
$moved$;

-- TRUNCATE removes every tenant's rows and fires no row trigger: nobody may, as long as a tenant of the table is under way.
CREATE OR REPLACE FUNCTION tenant_promotion.guard_truncate() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $truncate$
BEGIN
    RAISE EXCEPTION 'table %.% holds rows of a tenant that is moving to a database of its own', TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'read_only_sql_transaction', HINT = 'TRUNCATE is possible again after finalize or rollback.';
END
$truncate$;

\ir own-rights.sql
