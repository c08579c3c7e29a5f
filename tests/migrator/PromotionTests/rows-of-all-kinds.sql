CREATE TABLE notes (
    id bigserial PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants, parent_id bigint REFERENCES notes,
    code text UNIQUE,
    body text NOT NULL, shouted text GENERATED ALWAYS AS (upper(body)) STORED,
    updated_at timestamptz NOT NULL DEFAULT '2024-01-01');
CREATE TABLE remarks (
    id bigserial PRIMARY KEY, note_id bigint NOT NULL REFERENCES notes ON DELETE CASCADE ON UPDATE CASCADE,
    body text);
CREATE TABLE pins (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tenant_id bigint NOT NULL, slot integer NOT NULL,
    UNIQUE (tenant_id, slot), label text);
CREATE TABLE lists (id integer PRIMARY KEY, tenant_id bigint NOT NULL, first_item integer NOT NULL);
CREATE TABLE items (
    id integer PRIMARY KEY, tenant_id bigint NOT NULL,
    list_id integer NOT NULL REFERENCES lists DEFERRABLE INITIALLY DEFERRED);
ALTER TABLE lists ADD FOREIGN KEY (first_item) REFERENCES items DEFERRABLE INITIALLY DEFERRED;
CREATE TABLE loose (tenant_id bigint, word text);
CREATE TABLE days (
    tenant_id bigint NOT NULL, day date NOT NULL, note text, PRIMARY KEY (tenant_id, day)
) PARTITION BY RANGE (day);
CREATE TABLE days_old PARTITION OF days FOR VALUES FROM (MINVALUE) TO ('2024-01-01');
CREATE TABLE days_new PARTITION OF days DEFAULT;
CREATE TABLE history (id bigserial PRIMARY KEY, tenant_id bigint NOT NULL, operation text NOT NULL, body text);
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN NEW.updated_at := clock_timestamp(); RETURN NEW; END $$;
CREATE FUNCTION remember() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN INSERT INTO public.history (tenant_id, operation,
        body) VALUES (coalesce(NEW.tenant_id, OLD.tenant_id), TG_OP,
        coalesce(NEW.body, OLD.body)); RETURN NULL; END $$;
CREATE TRIGGER notes_stamp BEFORE INSERT OR UPDATE ON notes FOR EACH ROW EXECUTE FUNCTION stamp();
CREATE TRIGGER notes_remember AFTER INSERT OR UPDATE OR DELETE ON notes
    FOR EACH ROW EXECUTE FUNCTION remember();
ALTER TABLE notes ENABLE ALWAYS TRIGGER notes_remember;
CREATE TRIGGER tenants_stamp BEFORE UPDATE ON tenants FOR EACH ROW EXECUTE FUNCTION stamp();
INSERT INTO notes (id, tenant_id, parent_id, code, body)
    SELECT n, 1 + n % 2, CASE WHEN n > 2 THEN n - 2 END, 'c' || n, 'body ' || n FROM generate_series(1, 20) n;
SELECT setval('notes_id_seq', 20);
INSERT INTO remarks (note_id, body) SELECT id, 'on ' || id FROM notes, generate_series(1, 2);
INSERT INTO pins (tenant_id, slot, label) SELECT t, n, 'pin'
    FROM generate_series(1, 2) t, generate_series(1, 5) n;
INSERT INTO lists SELECT t * 10 + n, t, t * 10 + n FROM generate_series(1, 2) t, generate_series(1, 3) n;
INSERT INTO items SELECT t * 10 + n, t, t * 10 + n FROM generate_series(1, 2) t, generate_series(1, 3) n;
SET CONSTRAINTS ALL IMMEDIATE;
INSERT INTO loose SELECT t, w FROM unnest(ARRAY[1, 2, NULL]) t, unnest(ARRAY['a', 'a', 'b', NULL]) w;
INSERT INTO days SELECT t, date '2023-12-25' + n, 'day' FROM generate_series(1, 2) t, generate_series(1, 14) n;
