-- The migrator's journal, in the shared database. Rows of ended promotions stay as history.
CREATE TABLE IF NOT EXISTS tenant_promotion.promotion (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_key  text NOT NULL,
    tenant_slug text NOT NULL,
    mode        text NOT NULL,
    state       text NOT NULL,
    target      jsonb NOT NULL,
    run         bigint NOT NULL DEFAULT 0,
    started_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    ended_at    timestamptz,
    pause_ms    double precision,
    error       text
);
-- At most one promotion of a tenant is under way.
CREATE UNIQUE INDEX IF NOT EXISTS promotion_under_way ON tenant_promotion.promotion (tenant_key) WHERE ended_at IS NULL;

CREATE TABLE IF NOT EXISTS tenant_promotion.phase (
    promotion_id bigint NOT NULL REFERENCES tenant_promotion.promotion,
    name         text NOT NULL,
    started_at   timestamptz NOT NULL DEFAULT now(),
    ended_at     timestamptz,
    facts        jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (promotion_id, name)
);

CREATE TABLE IF NOT EXISTS tenant_promotion.digest (
    promotion_id bigint NOT NULL REFERENCES tenant_promotion.promotion,
    table_name   text NOT NULL,
    rows         bigint NOT NULL,
    sum          numeric NOT NULL,
    PRIMARY KEY (promotion_id, table_name)
);
-- What is needed to compute the digest again after a migration: columns, partitions, snapshot. Only where it is missing:
-- ALTER TABLE waits for readers, and any login can be one of a table whose number it knows (table_to_xmlschema).
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'tenant_promotion.digest'::regclass AND attname = 'detail') THEN
        ALTER TABLE tenant_promotion.digest ADD COLUMN detail jsonb;
    END IF;
END $$;

-- The definitions of the shared database's objects, as the promotion knows them; see definitions.sql.
CREATE TABLE IF NOT EXISTS tenant_promotion.definition (
    promotion_id bigint NOT NULL REFERENCES tenant_promotion.promotion,
    kind         text NOT NULL,
    schema_name  text NOT NULL,
    relation     text,
    object       text NOT NULL,
    definition   text NOT NULL
);
CREATE INDEX IF NOT EXISTS definition_of_promotion ON tenant_promotion.definition (promotion_id);
-- Somebody's publication FOR ALL TABLES refuses to delete from a table without a replica identity.
DO $$ BEGIN
    IF (SELECT relreplident FROM pg_class WHERE oid = 'tenant_promotion.definition'::regclass) <> 'f' THEN
        ALTER TABLE tenant_promotion.definition REPLICA IDENTITY FULL;
    END IF;
END $$;

-- How far a change stream has been applied here, written in the transaction that applied it.
CREATE TABLE IF NOT EXISTS tenant_promotion.position (
    promotion_id bigint PRIMARY KEY,
    lsn          pg_lsn NOT NULL
);

-- A promotion that holds before its cutover, until somebody or a time lets it go. since: the promotion holds. go_at: it was
-- let go. failure: why the last attempt at the cutover did not succeed. state: what the run that holds has measured.
CREATE TABLE IF NOT EXISTS tenant_promotion.hold (
    promotion_id   bigint PRIMARY KEY REFERENCES tenant_promotion.promotion,
    cutover_at     timestamptz,
    cutover_window text,
    seconds        double precision,
    expires        text NOT NULL DEFAULT 'release',
    since          timestamptz,
    hold_until     timestamptz,
    not_before     timestamptz,
    go_at          timestamptz,
    go_by          text,
    failed_at      timestamptz,
    failure        text,
    seen_at        timestamptz,
    verified_at    timestamptz,
    state          jsonb NOT NULL DEFAULT '{}'
);

-- How far the phase is that runs, in a row of its own (table_name is empty) and one for each of its tables, written by the run
-- each second over a connection of its own. No foreign key: nobody may ever wait for these rows.
CREATE TABLE IF NOT EXISTS tenant_promotion.progress (
    promotion_id    bigint NOT NULL,
    table_name      text NOT NULL,
    phase           text NOT NULL,
    since           timestamptz NOT NULL,
    seen_at         timestamptz NOT NULL,
    unit            text,
    done            bigint NOT NULL,
    total           bigint,
    minute_rate     double precision,
    ten_minute_rate double precision,
    waits_for       text,
    PRIMARY KEY (promotion_id, table_name)
);

-- The limits of the process that is at work, which other terminals change, and the last change that the process obeys.
CREATE TABLE IF NOT EXISTS tenant_promotion.governor (
    promotion_id        bigint PRIMARY KEY,
    changed_at          timestamptz NOT NULL,
    changed_by          text,
    paused              boolean NOT NULL,
    max_rate            bigint NOT NULL,
    max_replica_lag     bigint,
    max_active_sessions integer NOT NULL,
    obeyed              timestamptz NOT NULL
);

-- What hooks are told, one row for each hook, written in the transaction of what happened. payload is what is delivered;
-- key is the same in each attempt.
CREATE TABLE IF NOT EXISTS tenant_promotion.outbox (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    promotion_id bigint NOT NULL,
    tenant_key   text NOT NULL,
    tenant_slug  text NOT NULL,
    hook         text NOT NULL,
    event        text NOT NULL,
    key          uuid NOT NULL,
    happened_at  timestamptz NOT NULL,
    payload      jsonb NOT NULL,
    attempts     integer NOT NULL DEFAULT 0,
    next_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    delivered_at timestamptz,
    given_up_at  timestamptz,
    failure      text
);
CREATE INDEX IF NOT EXISTS outbox_undelivered ON tenant_promotion.outbox (tenant_slug)
    WHERE delivered_at IS NULL AND given_up_at IS NULL;
