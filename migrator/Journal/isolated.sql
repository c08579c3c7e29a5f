-- The state of the isolated database is recorded in it, in the same transaction that changes the state.

-- The mark: this database is the migrator's, and which tenant's. Each run takes a higher number; transactions
-- of older runs cannot commit. live: the tenant's writes are accepted here. A live database is never emptied or
-- dropped.
CREATE TABLE IF NOT EXISTS tenant_promotion.owner (
    tenant_key   text PRIMARY KEY,
    tenant_slug  text NOT NULL,
    promotion_id bigint NOT NULL,
    run          bigint NOT NULL
);
-- An earlier version made the table without these. ALTER TABLE waits for readers, so only where it has something to do.
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'tenant_promotion.owner'::regclass AND attname = 'pass') THEN
        ALTER TABLE tenant_promotion.owner
            ADD COLUMN IF NOT EXISTS shared_system text,
            ADD COLUMN IF NOT EXISTS shared_oid    bigint,
            ADD COLUMN IF NOT EXISTS shared_name   text,
            ADD COLUMN IF NOT EXISTS live          boolean NOT NULL DEFAULT false,
            ADD COLUMN IF NOT EXISTS pass          text NOT NULL DEFAULT gen_random_uuid();
    END IF;
END $$;

CREATE TABLE IF NOT EXISTS tenant_promotion.loaded (
    table_name text NOT NULL,
    part       int NOT NULL,
    rows       bigint NOT NULL,
    bytes      bigint NOT NULL,
    PRIMARY KEY (table_name, part)
);

-- Digests of the reference tables under the snapshot that they were copied from; other tenants may change the
-- shared database's tables at any time.
CREATE TABLE IF NOT EXISTS tenant_promotion.copied_digest (
    table_name text PRIMARY KEY,
    rows       bigint NOT NULL,
    sum        numeric NOT NULL
);

-- How far a change stream has been applied here, written in the transaction that applied it.
CREATE TABLE IF NOT EXISTS tenant_promotion.position (
    promotion_id bigint PRIMARY KEY,
    lsn          pg_lsn NOT NULL
);

-- A verification that is under way: the ranges of each table's keys, and for those that are equal the position of the stream
-- at which they were; form is all that must not change meanwhile. Empty otherwise.
CREATE TABLE IF NOT EXISTS tenant_promotion.compared (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    table_name text NOT NULL,
    form       text NOT NULL,
    after_key  text[],
    up_to_key  text[],
    lsn        pg_lsn,
    recorded   jsonb
);

-- The rows that changes have touched since they were compared, and how far changes have been noted: a position of the stream
-- beyond that is one of a run that did not note.
CREATE TABLE IF NOT EXISTS tenant_promotion.touched (
    table_name text NOT NULL,
    key        text[] NOT NULL
);
CREATE TABLE IF NOT EXISTS tenant_promotion.noted (
    lsn pg_lsn NOT NULL
);

-- Changes that hold while the stream is applied (triggers disabled, foreign keys deferred), as the statements
-- that revert them.
-- A statement per row; its hash is the key, for an index refuses a text of more than 2,704 bytes.
CREATE TABLE IF NOT EXISTS tenant_promotion.suspended (
    statement text NOT NULL
);
DO $$ BEGIN
    IF EXISTS (SELECT FROM pg_constraint
               WHERE conrelid = 'tenant_promotion.suspended'::regclass AND conname = 'suspended_pkey') THEN
        ALTER TABLE tenant_promotion.suspended DROP CONSTRAINT suspended_pkey;
    END IF;
END $$;
CREATE UNIQUE INDEX IF NOT EXISTS suspended_once ON tenant_promotion.suspended (md5(statement));
-- For publications FOR ALL TABLES, as in journal.sql.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['suspended', 'touched', 'noted'] LOOP
        IF (SELECT relreplident FROM pg_class WHERE oid = ('tenant_promotion.' || name)::regclass) <> 'f' THEN
            EXECUTE format('ALTER TABLE tenant_promotion.%I REPLICA IDENTITY FULL', name);
        END IF;
    END LOOP;
END $$;

\ir own-rights.sql
