-- The write guard's memory and its one rule. The same in the shared and, for a rollback, in the isolated database.
CREATE TABLE IF NOT EXISTS tenant_promotion.guard (
    tenant_key  text PRIMARY KEY,
    tenant_slug text NOT NULL,
    state       text NOT NULL CHECK (state IN ('open', 'closed')),
    pass        text NOT NULL,
    changed_at  timestamptz NOT NULL DEFAULT now()
);

-- Shows that whoever says a text knows the secret. Built as HMAC is, by an inner and an outer hash, each behind a block of
-- its own that the secret fills: https://www.rfc-editor.org/rfc/rfc2104. Reassignment.cs computes the same.
CREATE OR REPLACE FUNCTION tenant_promotion.proof(secret text, said text) RETURNS text LANGUAGE sql IMMUTABLE AS $proof$
    SELECT pg_catalog.encode(pg_catalog.sha256(
        pg_catalog.convert_to(pg_catalog.rpad(secret, 64, 'o'), 'UTF8') OPERATOR(pg_catalog.||) pg_catalog.sha256(
        pg_catalog.convert_to(pg_catalog.rpad(secret, 64, 'i') OPERATOR(pg_catalog.||) said, 'UTF8'))), 'hex')
$proof$;

-- Whether the guard is about to close, as the sessions of its own role tell. Any login can take an advisory lock.
CREATE OR REPLACE FUNCTION tenant_promotion.is_closing(key text) RETURNS boolean LANGUAGE sql STABLE AS $closing$
    SELECT EXISTS (
        SELECT FROM pg_catalog.pg_locks l
        JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
        JOIN pg_catalog.pg_roles r ON r.oid = a.usesysid AND (r.rolsuper OR r.rolname = current_user)
        WHERE l.locktype = 'advisory' AND l.mode = 'ExclusiveLock' AND l.classid = 1952804978 AND l.objsubid = 2
          AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())
          AND l.objid::bigint = (pg_catalog.hashtext('guard ' || key)::bigint & 4294967295))
$closing$;

-- Queues up for the guard, for so many milliseconds at most, and goes on in any case: only the guard's row decides.
CREATE OR REPLACE FUNCTION tenant_promotion.queue(key text, closing boolean, patience int) RETURNS void LANGUAGE plpgsql AS $queue$
DECLARE
    before int := (SELECT setting FROM pg_settings WHERE name = 'lock_timeout')::int;
BEGIN
    PERFORM set_config('lock_timeout', (CASE before WHEN 0 THEN patience ELSE least(before, patience) END)::text, true);
    IF closing THEN
        PERFORM pg_advisory_xact_lock(1952804978, hashtext('guard ' || key));
    ELSE
        PERFORM pg_advisory_xact_lock_shared(1952804978, hashtext('guard ' || key));
    END IF;
    PERFORM set_config('lock_timeout', before::text, true);
EXCEPTION WHEN lock_not_available THEN
    NULL;
END
$queue$;

-- Lets a write of the tenant pass, and keeps the guard from closing until that write's transaction has ended.
CREATE OR REPLACE FUNCTION tenant_promotion.hold(key text) RETURNS void LANGUAGE plpgsql AS $hold$
DECLARE
    guard record;
    given text;
BEGIN
    -- A fair queue: whoever closes waits for the writers inside and for nobody who comes later. On the row lock
    -- alone new writers would overtake the closer for as long as the tenant is busy. Whoever else has that lock is no
    -- closer, and not waited for.
    IF NOT pg_try_advisory_xact_lock_shared(1952804978, hashtext('guard ' || key)) AND tenant_promotion.is_closing(key) THEN
        PERFORM tenant_promotion.queue(key, false, 1000);
    END IF;
    -- The row lock besides: under REPEATABLE READ a stale 'open' is a serialization failure, not an answer.
    SELECT g.state, g.pass, g.tenant_slug INTO guard FROM tenant_promotion.guard g WHERE g.tenant_key = key FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'tenant % began to move to a database of its own after this transaction took its snapshot', key
            USING ERRCODE = 'serialization_failure', HINT = 'Repeat the transaction.';
    END IF;
    -- Every function that runs in the transaction can read the setting. What it reads opens no other transaction.
    given := current_setting('tenant_promotion.pass', true);
    IF guard.state = 'closed' AND (coalesce(given, '') = ''
        OR given <> tenant_promotion.proof(guard.pass, 'pass ' || pg_current_xact_id()::text)) THEN
        RAISE EXCEPTION 'tenant % does not accept writes in this database', guard.tenant_slug
            USING ERRCODE = 'read_only_sql_transaction',
                  HINT = 'The tenant is moving or has moved. Look up its route again and repeat the transaction there.';
    END IF;
END
$hold$;

-- For tables that name the tenant in a column: the trigger's WHEN has seen that the row is the tenant's.
CREATE OR REPLACE FUNCTION tenant_promotion.guard_row() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $guard$
BEGIN
    PERFORM tenant_promotion.hold(TG_ARGV[0]);
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END
$guard$;

-- A row becomes the tenant's, or is the tenant's no longer: the change itself may not tell (without a full replica
-- identity it brings the new tenant only), so this does, in the stream and in its place. Arguments: tenant, schema,
-- table, key columns. The settings are those under which the stream is read: a key must read alike in both.
CREATE OR REPLACE FUNCTION tenant_promotion.guard_moved() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    SET TimeZone = 'UTC' SET DateStyle = 'ISO, YMD' SET IntervalStyle = 'postgres' SET extra_float_digits = 1
    SET bytea_output = 'hex' AS $moved$
DECLARE
    columns text := (SELECT string_agg(format('format(''%%s'', ($1).%I)', name), ', ' ORDER BY n)
                     FROM unnest(TG_ARGV[3:]) WITH ORDINALITY AS k (name, n));
    old_key jsonb;
    new_key jsonb;
    said text;
    secret text;
BEGIN
    -- Anybody may write into the log. The proof tells the stream that the guard has written this.
    SELECT g.pass INTO secret FROM tenant_promotion.guard g WHERE g.tenant_key = TG_ARGV[0];
    IF NOT FOUND THEN
        RAISE EXCEPTION 'tenant % began to move to a database of its own after this transaction took its snapshot', TG_ARGV[0]
            USING ERRCODE = 'serialization_failure', HINT = 'Repeat the transaction.';
    END IF;
    EXECUTE format('SELECT jsonb_build_array(%s)', columns) INTO old_key USING OLD;
    EXECUTE format('SELECT jsonb_build_array(%s)', columns) INTO new_key USING NEW;
    said := jsonb_build_object(
        'tenant', TG_ARGV[0], 'schema', TG_ARGV[1], 'table', TG_ARGV[2], 'old', old_key, 'new', new_key)::text;
    PERFORM pg_logical_emit_message(true, 'tenant_promotion_moved',
        convert_to(tenant_promotion.proof(secret, 'moved ' || said) || said, 'UTF8'));
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

REVOKE ALL ON FUNCTION tenant_promotion.proof(text, text), tenant_promotion.is_closing(text), tenant_promotion.queue(text, boolean, int),
    tenant_promotion.hold(text), tenant_promotion.guard_row(),
    tenant_promotion.guard_moved(), tenant_promotion.guard_truncate() FROM PUBLIC;
