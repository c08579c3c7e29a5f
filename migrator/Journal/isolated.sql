-- What is true of the isolated database is written in it, in the transaction that makes it true.
CREATE SCHEMA IF NOT EXISTS tenant_promotion;

-- The mark that this database is ours, and whose. Each run takes a new number; a transaction of an older run no longer commits.
-- live: the tenant's writes are accepted here. A live database is never emptied or dropped.
CREATE TABLE IF NOT EXISTS tenant_promotion.owner (
    tenant_key   text PRIMARY KEY,
    tenant_slug  text NOT NULL,
    promotion_id bigint NOT NULL,
    run          bigint NOT NULL
);
ALTER TABLE tenant_promotion.owner
    ADD COLUMN IF NOT EXISTS shared_system text,
    ADD COLUMN IF NOT EXISTS shared_oid    bigint,
    ADD COLUMN IF NOT EXISTS shared_name   text,
    ADD COLUMN IF NOT EXISTS live          boolean NOT NULL DEFAULT false;

CREATE TABLE IF NOT EXISTS tenant_promotion.loaded (
    table_name text NOT NULL,
    part       int NOT NULL,
    rows       bigint NOT NULL,
    bytes      bigint NOT NULL,
    PRIMARY KEY (table_name, part)
);

-- Digests of the reference tables as they stood under the snapshot they were copied from: others may change them in the
-- shared database at any time.
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

-- What was changed while the stream is applied (triggers off, foreign keys deferred), as the statements that change it back.
CREATE TABLE IF NOT EXISTS tenant_promotion.suspended (
    statement text PRIMARY KEY
);

REVOKE ALL ON SCHEMA tenant_promotion FROM PUBLIC;
