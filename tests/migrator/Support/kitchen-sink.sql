-- Everything a shared database may hold, at least once, with the values that break naive copies.
-- psql variables: key_type and the keys a, b, c of three tenants, suffix of their slugs,
-- force_row_security and other_owner (on, off), owner. Extensions hstore (schema ext), citext, btree_gist, pg_trgm
-- exist.
\set ON_ERROR_STOP on
\o /dev/null
SET client_min_messages = warning;
SET TIME ZONE 'UTC';
SELECT current_setting('server_version_num')::integer >= 150000 AS from_15 \gset

CREATE SCHEMA sink;
CREATE TYPE sink.mood AS ENUM ('sad', 'ok', 'it''s "fine", really');
-- Committed at once: a value added later cannot be used in the transaction that added it.
ALTER TYPE sink.mood ADD VALUE 'below all' BEFORE 'sad';

BEGIN;

CREATE SCHEMA "Mixed Case";
COMMENT ON SCHEMA sink IS 'where most of it is; it''s "quoted"';

-- Types

CREATE TYPE "Mixed Case"."Colour" AS ENUM ('red', 'grün', '');
CREATE DOMAIN sink.percentage AS numeric(5, 2) DEFAULT 0 CHECK (VALUE BETWEEN 0 AND 100);
CREATE DOMAIN sink.labels AS text[] CHECK (array_length(VALUE, 1) < 10);
CREATE TYPE sink.address AS (street text, "House No" integer, tags text[]);
-- In binary form composites and arrays carry the OIDs of their parts, which differ from database to database; from
-- PostgreSQL 14 on the reading side does not insist.
CREATE TYPE sink.person AS (name text, mood sink.mood, home sink.address, born date);
CREATE DOMAIN sink.home AS sink.address CHECK ((VALUE).street <> 'nowhere');
CREATE TYPE sink.floatrange AS RANGE (subtype = float8, subtype_diff = float8mi);
COMMENT ON TYPE sink.mood IS 'how it goes';
COMMENT ON DOMAIN sink.percentage IS '0 to 100';
CREATE COLLATION sink.plain FROM "C";
CREATE TEXT SEARCH CONFIGURATION sink.words (COPY = simple);

-- Root, reference and ignored tables

CREATE TABLE public.tenants (
    id :key_type PRIMARY KEY,
    slug text NOT NULL UNIQUE,
    name text NOT NULL,
    plan text NOT NULL DEFAULT 'team',
    status text NOT NULL DEFAULT 'active',
    isolation_mode text NOT NULL DEFAULT 'shared',
    settings jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO tenants (id, slug, name, settings, created_at, updated_at) VALUES
    (:'a', 'acme' || :'suffix', 'Acme', '{"theme": "dark", "nested": {"isolation": 1}}', '2024-01-01', '2024-01-02'),
    (:'b', 'bolt' || :'suffix', 'Bolt', '{}', '2024-01-01', '2024-01-02'),
    (:'c', 'cafe' || :'suffix', 'Café', '{"theme": null}', '2024-01-01', '2024-01-02');

CREATE TABLE public.schema_migrations (version bigint PRIMARY KEY, dirty boolean NOT NULL DEFAULT false);
INSERT INTO schema_migrations VALUES (20240101), (20240102);
CREATE TABLE sink.countries (code char(2) PRIMARY KEY, name text NOT NULL);
INSERT INTO sink.countries VALUES ('DE', 'Deutschland'), ('CI', 'Côte d''Ivoire'), ('JP', '日本');
CREATE TABLE sink.ignored (id integer PRIMARY KEY, note text);
INSERT INTO sink.ignored VALUES (1, 'not to be copied');

-- Every type, with its extremes

CREATE TABLE sink.types (
    tenant_id :key_type NOT NULL REFERENCES tenants (id),
    id integer NOT NULL,
    a_boolean boolean, a_char character(5), a_varchar varchar(20), a_text text, a_name name, a_letter "char",
    a_small smallint, an_int integer, a_big bigint, a_numeric numeric, a_scaled numeric(12, 4), a_real real,
    a_double double precision, a_money money,
    a_date date, a_time time, a_timetz timetz, a_timestamp timestamp, a_timestamptz timestamptz, an_interval interval,
    a_bytea bytea, a_bit bit(3), a_varbit varbit, a_uuid uuid, an_inet inet, a_cidr cidr, a_macaddr macaddr,
    a_macaddr8 macaddr8, an_lsn pg_lsn,
    a_json json, a_jsonb jsonb, an_xml xml,
    a_point point, a_line line, a_segment lseg, a_box box, a_path path, a_polygon polygon, a_circle circle,
    a_tsvector tsvector, a_tsquery tsquery,
    an_int4range int4range, an_int8range int8range, a_numrange numrange, a_tsrange tsrange, a_tstzrange tstzrange,
    a_daterange daterange,
    a_floatrange sink.floatrange, a_multirange int4multirange,
    an_hstore ext.hstore, a_citext citext,
    an_enum sink.mood, a_colour "Mixed Case"."Colour", a_domain sink.percentage, a_label_domain sink.labels,
    a_composite sink.person, a_home sink.home,
    ints integer[], texts text[], numerics numeric[], stamps timestamptz[], jsons jsonb[], enums sink.mood[],
    citexts citext[],
    composites sink.person[], domains sink.percentage[],
    collated text COLLATE sink.plain,
    PRIMARY KEY (tenant_id, id)
);
INSERT INTO sink.types (tenant_id, id) SELECT id, 0 FROM tenants;
INSERT INTO sink.types SELECT id, 1,
    true, 'ab', 'varchar', 'text', 'name', 'x',
    32767, 2147483647, 9223372036854775807, 1.10, 1.1, 1.5, 0.1, '12.34',
    '2024-02-29', '12:34:56.789012', '12:34:56.789012+05:30', '2024-02-29 23:59:59.999999',
    '2024-02-29 23:59:59.999999+00', '1 year 2 mons 3 days 04:05:06.789',
    '\x00ff5c2e', B'101', B'1', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '192.168.0.1/24', '10.0.0.0/8',
    '08:00:2b:01:02:03', '08:00:2b:01:02:03:04:05', '16/B374D848',
    '{"b": 1,   "a" : 2, "a": 3}', '{"b": 1, "a": [null, 1.10, "ü"]}', '<a b="c">d &amp; e</a>',
    '(1,2)', '{1,2,3}', '[(1,2),(3,4)]', '((1,2),(3,4))', '[(1,2),(3,4)]', '((1,2),(3,4),(5,0))', '<(1,2),3>',
    'a fat cat'::tsvector, 'fat & (rat | !cat)',
    '[1,5)', '(,9223372036854775807)', '[1.10,2.2]', '[2024-01-01,2024-01-02)', '[2024-01-01 00:00+00,)',
    '[2024-01-01,2024-02-01)',
    '[0.1,1.5)', '{[1,3),[5,8)}',
    'a=>1, "b c"=>NULL', 'CiText',
    'it''s "fine", really', 'grün', 99.99, '{a,b}',
    ROW('Bo "b" (x), y', 'ok', ROW('Main, St', 5, '{x,"y z",NULL}'), '1970-01-01')::sink.person,
    ROW('Way', NULL, '{}')::sink.address,
    '{1,NULL,3}', '{a,"b c","{}",NULL,"NULL",""}', '{1.10,NaN}', '{"2024-01-01 00:00+00",infinity}',
    ARRAY['{"a": 1}', NULL]::jsonb[],
    ARRAY['sad', 'it''s "fine", really']::sink.mood[], '{A,a}', ARRAY[ROW('x', 'sad', NULL, NULL), NULL]::sink.person[],
    '{1,2.50}',
    'collated'
FROM tenants;
INSERT INTO sink.types (tenant_id, id, a_boolean, a_char, a_varchar, a_text, a_name, a_letter, a_small, an_int, a_big,
    a_numeric, a_scaled, a_real, a_double,
    a_money, a_date, a_time, a_timetz, a_timestamp, a_timestamptz, an_interval, a_bytea, a_varbit, an_inet, a_json,
    a_jsonb, a_tsvector, an_int4range,
    a_numrange, a_tstzrange, a_daterange, a_floatrange, a_multirange, an_hstore, a_citext, an_enum, a_colour, a_domain,
    a_composite, ints, texts, enums)
SELECT t.id, v.* FROM tenants t, (VALUES
    (2, false, '', '', '', '', ''::"char", '-32768'::smallint, '-2147483648'::integer, '-9223372036854775808'::bigint,
        'NaN'::numeric, 0.0000, 'NaN'::real, 'NaN'::float8,
        '-92233720368547758.08'::money, 'infinity'::date, '00:00'::time, '24:00:00-15:59'::timetz,
        'infinity'::timestamp, '-infinity'::timestamptz,
        '-178000000 years'::interval, ''::bytea, B''::varbit, '::1'::inet, 'null'::json, 'null'::jsonb, ''::tsvector,
        'empty'::int4range, 'empty'::numrange,
        '(,)'::tstzrange, '(,)'::daterange, 'empty'::sink.floatrange, '{}'::int4multirange, ''::ext.hstore, ''::citext,
        'below all'::sink.mood,
        ''::"Mixed Case"."Colour", 0.00, ROW(NULL, NULL, NULL, NULL)::sink.person, '{}'::integer[], '{}'::text[],
        '{}'::sink.mood[]),
    (3, NULL, E'\t', E'\\N', E'tab\tnewline\nreturn\rback\\slash \\. \\N quote'' "double"', '☃', 'z', 0, 0, 0, 'Infinity', -0.0000,
        '-0', '-0',
        '0', '4714-11-24 BC', '24:00', '00:00+15:59', '294276-12-31 23:59:59.999999', '4714-11-24 00:00:00+00 BC',
        '178000000 years -11 mons +5 days -04:05:06.000001', decode(repeat('00', 300), 'hex'), B'0000000001',
        'fe80::1/10', '[]', '{}', 'a:1A,2B b:3', '[-2147483648,2147483647)',
        '(-Infinity,Infinity)', '[-infinity,infinity]', '[4714-11-24 BC,infinity)', '(-Infinity,NaN)', '{(,)}',
        '""=>""', 'ÄÖ', 'sad', 'red', 100,
        ROW('', 'below all', ROW('', 0, '{}'), 'infinity')::sink.person, '[0:1]={1,2}', '{{a,b},{c,NULL}}',
        '{{sad,ok},{ok,sad}}'),
    (4, true, 'ünïco', '👩‍👩‍👧 zwj', E'שלום \u202e rtl e\u0301 vs \u00e9 \uffff 𝔘', '', 'Z', 1, 1, 1, '-Infinity', 99999999.9999,
        'Infinity', '-Infinity',
        '1', '5874897-12-31', '23:59:59.999999', '23:59:59.999999-00:30', '4714-11-24 BC',
        '294276-12-31 23:59:59.999999+00', '00:00:00.000001',
        '\x5c000a0d', B'1111111111', '0.0.0.0/0', '"\u2603"', '"\u2603"', 'x''y:5', '[1,1]', '[0.000,0]', 'empty',
        'empty', '[-0,0]', '{[1,1]}', 'k=>"=>"', '', 'ok', 'grün', 50,
        NULL, '{{{1},{2}},{{3},{4}}}', '[-1:0]={x,y}', NULL)
    ) AS v;
INSERT INTO sink.types (tenant_id, id, a_numeric, a_real, a_double, a_text, a_bytea)
SELECT t.id, v.* FROM tenants t, (VALUES
    (5, 1.1, 1e-45::real, 5e-324::float8, NULL, NULL::bytea),
    (6, 1.100000000000000000000000000000000000000000000001, '3.4028235e38', '1.7976931348623157e308', '1', NULL),
    (7, ('1' || repeat('0', 20000) || '.' || repeat('0', 16000) || '1')::numeric, 0.1, 0.30000000000000004, '2', NULL)) AS v;

-- Long values, in and out of line, and a column that was dropped, one that was added with a default

CREATE TABLE sink.long_values (
    id bigint GENERATED ALWAYS AS IDENTITY (START 100 INCREMENT 5) PRIMARY KEY,
    gone integer DEFAULT 7,
    tenant_id :key_type NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    compressed text,
    external text,
    document jsonb,
    content bytea
) WITH (fillfactor = 80, autovacuum_enabled = true);
ALTER TABLE sink.long_values ALTER external SET STORAGE EXTERNAL, ALTER compressed SET STATISTICS 500;
INSERT INTO sink.long_values (tenant_id, compressed, external, document, content)
SELECT t.id, repeat('compressible ', 20000), external, jsonb_build_object('k', repeat(md5(i::text), 500), 'i', i),
    decode(external, 'hex')
FROM tenants t, generate_series(1, 3) i,
    LATERAL (SELECT string_agg(md5(i::text || n || t.slug), '') AS external FROM generate_series(1, 5000) n) AS e;
ALTER TABLE sink.long_values DROP COLUMN gone;
ALTER TABLE sink.long_values ADD added_later text NOT NULL DEFAULT 'fast default';
ALTER TABLE sink.long_values ALTER added_later SET DEFAULT 'another';

-- Keys: composite, none, one column only, replica identities, identity by default, serial, generated columns

CREATE SEQUENCE sink.shared_seq AS integer START 10 INCREMENT BY 10 CACHE 1;
CREATE SEQUENCE sink.unused_seq MINVALUE -5 START -5;
CREATE SEQUENCE sink.descending_seq INCREMENT BY -1 MINVALUE -1000 MAXVALUE 1000 START 1000 CYCLE;
SELECT nextval('sink.descending_seq'), setval('sink.shared_seq', 500, false);

CREATE TABLE sink.composite_parent (
    tenant_id :key_type NOT NULL REFERENCES tenants,
    region text NOT NULL,
    number integer NOT NULL,
    label citext,
    PRIMARY KEY (tenant_id, region, number),
    UNIQUE (number, region, tenant_id) INCLUDE (label)
);
INSERT INTO sink.composite_parent SELECT t.id, r, n, 'Label ' || n
    FROM tenants t, unnest(ARRAY['eu', 'us']) r, generate_series(1, 4) n;

CREATE TABLE sink.composite_child (
    id serial PRIMARY KEY,
    tenant_id :key_type NOT NULL,
    region text,
    number integer,
    amount numeric(10, 3) NOT NULL DEFAULT 0,
    doubled numeric GENERATED ALWAYS AS (amount * 2) STORED,
    shared integer NOT NULL DEFAULT nextval('sink.shared_seq'),
    during tsrange,
    CONSTRAINT "to parent, full" FOREIGN KEY (tenant_id, region, number) REFERENCES sink.composite_parent MATCH SIMPLE ON UPDATE CASCADE,
    CONSTRAINT no_overlap EXCLUDE USING gist (shared WITH =, during WITH &&)
);
COMMENT ON CONSTRAINT no_overlap ON sink.composite_child IS 'one at a time';
INSERT INTO sink.composite_child (tenant_id, region, number, amount, during)
SELECT t.id, CASE WHEN n % 3 > 0 THEN 'eu' END, 1 + n % 4, n / 7.0,
    tsrange('2024-01-01'::timestamp + n * interval '1 day', NULL)
FROM tenants t, generate_series(1, 10) n;

CREATE TABLE sink.no_key (tenant_id :key_type, word text, number double precision);
INSERT INTO sink.no_key SELECT id, w, f
    FROM tenants, unnest(ARRAY['dup', 'dup', NULL, '', NULL]) w, unnest(ARRAY['-0', '0', 'NaN', NULL]::float8[]) f;
INSERT INTO sink.no_key VALUES (NULL, 'nobody''s', 1), (NULL, NULL, NULL);

CREATE TABLE sink.only_tenant (tenant_id :key_type NOT NULL);
INSERT INTO sink.only_tenant SELECT id FROM tenants, generate_series(1, 3);

CREATE TABLE sink.by_default (
    id smallint GENERATED BY DEFAULT AS IDENTITY,
    tenant_id :key_type REFERENCES tenants,
    code text NOT NULL COLLATE "C",
    state sink.mood NOT NULL DEFAULT 'ok'
);
CREATE UNIQUE INDEX by_default_code ON sink.by_default (tenant_id, code);
ALTER TABLE sink.by_default REPLICA IDENTITY FULL;
INSERT INTO sink.by_default (tenant_id, code) SELECT id, 'c' || n FROM tenants, generate_series(1, 3) n;
INSERT INTO sink.by_default (id, tenant_id, code) SELECT 1000, id, 'explicit' FROM tenants;
INSERT INTO sink.by_default (tenant_id, code) VALUES (NULL, 'system');

CREATE TABLE sink.unique_only (
    tenant_id :key_type NOT NULL REFERENCES tenants, code integer NOT NULL, note text,
    CONSTRAINT unique_only_key UNIQUE (tenant_id, code));
ALTER TABLE sink.unique_only REPLICA IDENTITY USING INDEX unique_only_key;
INSERT INTO sink.unique_only SELECT id, n, 'n' || n FROM tenants, generate_series(1, 2) n;

CREATE TABLE sink.empty_everywhere (tenant_id :key_type NOT NULL REFERENCES tenants, id integer PRIMARY KEY);
CREATE TABLE sink.empty_for_a (tenant_id :key_type NOT NULL REFERENCES tenants, id serial PRIMARY KEY);
INSERT INTO sink.empty_for_a (tenant_id) SELECT id FROM tenants WHERE id <> :'a';

-- The key as text, with nothing that ties it to tenants
CREATE TABLE sink.loose (tenant_id text, id bigserial PRIMARY KEY, event text NOT NULL);
INSERT INTO sink.loose (tenant_id, event) SELECT id::text, 'e' || n FROM generate_series(1, 3) n, tenants;
INSERT INTO sink.loose (tenant_id, event) VALUES (NULL, 'system'), ('no such tenant', 'orphan');

-- References: to itself, in circles, deferred; a constraint that old rows break

CREATE TABLE sink.tree (
    id integer PRIMARY KEY,
    tenant_id :key_type NOT NULL REFERENCES tenants,
    parent_id integer REFERENCES sink.tree ON DELETE SET NULL,
    path text GENERATED ALWAYS AS ('/' || id) STORED,
    updated_at timestamptz NOT NULL DEFAULT '2024-01-01'
);
INSERT INTO sink.tree (id, tenant_id, parent_id)
SELECT t.place * 1000 + n, t.id, CASE WHEN n < 20 THEN t.place * 1000 + n + 1 END
FROM (SELECT id, row_number() OVER (ORDER BY slug) AS place FROM tenants) t, generate_series(1, 20) n;

CREATE TABLE sink.departments (
    id integer PRIMARY KEY,
    tenant_id :key_type NOT NULL REFERENCES tenants,
    head_id integer NOT NULL
);
CREATE TABLE sink.employees (
    id integer PRIMARY KEY,
    tenant_id :key_type NOT NULL REFERENCES tenants,
    department_id integer NOT NULL REFERENCES sink.departments DEFERRABLE INITIALLY DEFERRED,
    badge integer NOT NULL,
    CONSTRAINT badge_key UNIQUE (tenant_id, badge) DEFERRABLE INITIALLY IMMEDIATE
);
ALTER TABLE sink.departments ADD FOREIGN KEY (head_id) REFERENCES sink.employees DEFERRABLE INITIALLY DEFERRED;
INSERT INTO sink.departments SELECT t.place * 100 + n, t.id, t.place * 100 + n
FROM (SELECT id, row_number() OVER (ORDER BY slug) AS place FROM tenants) t, generate_series(1, 5) n;
INSERT INTO sink.employees
    SELECT t.place * 100 + n, t.id, t.place * 100 + (n % 5) + 1, CASE n WHEN 30 THEN -30 ELSE n END
FROM (SELECT id, row_number() OVER (ORDER BY slug) AS place FROM tenants) t, generate_series(1, 30) n;
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE sink.employees ADD CONSTRAINT badge_is_positive CHECK (badge > 0) NOT VALID;

-- Derived tables: one step, two steps, two paths of which one is null at times, a composite key as the step

CREATE TABLE sink.cards (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), tenant_id :key_type NOT NULL REFERENCES tenants ON DELETE CASCADE,
    title varchar(80) NOT NULL, touched_at timestamptz, touches integer NOT NULL DEFAULT 0);
INSERT INTO sink.cards (id, tenant_id, title) SELECT md5(t.slug || n)::uuid, t.id, 'Card ' || n
    FROM tenants t, generate_series(1, 12) n;
CREATE TABLE sink.remarks (
    id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    card_id uuid NOT NULL REFERENCES sink.cards ON DELETE CASCADE,
    employee_id integer REFERENCES sink.employees,
    reply_to bigint REFERENCES sink.remarks ON DELETE CASCADE,
    body text NOT NULL
);
INSERT INTO sink.remarks (card_id, employee_id, body)
SELECT c.id, CASE WHEN n = 1 THEN e.id END, 'remark ' || n || ' on ' || c.title
FROM sink.cards c JOIN (SELECT tenant_id, min(id) AS id FROM sink.employees GROUP BY 1) e
    USING (tenant_id), generate_series(1, 3) n ORDER BY n, c.id;
UPDATE sink.remarks r SET reply_to = o.id FROM sink.remarks o WHERE o.card_id = r.card_id AND o.id < r.id;
CREATE TABLE sink.votes (
    remark_id bigint REFERENCES sink.remarks ON DELETE CASCADE, voter text, value smallint NOT NULL,
    PRIMARY KEY (remark_id, voter));
INSERT INTO sink.votes SELECT id, 'voter ' || n, n FROM sink.remarks, generate_series(1, 2) n;
CREATE TABLE sink.composite_grandchild (
    region text NOT NULL, number integer NOT NULL, owner :key_type NOT NULL, note text NOT NULL,
    FOREIGN KEY (owner, region, number) REFERENCES sink.composite_parent (tenant_id, region, number)
);
INSERT INTO sink.composite_grandchild SELECT region, number, tenant_id, 'note' FROM sink.composite_parent
    WHERE number < 3;

-- Partitions: two levels, hash, list by tenant, one attached with its columns in another order

CREATE TABLE sink.measurements (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    tenant_id :key_type NOT NULL REFERENCES tenants,
    taken_on date NOT NULL,
    region text NOT NULL,
    value numeric,
    note text DEFAULT 'none',
    PRIMARY KEY (id, taken_on, region)
) PARTITION BY RANGE (taken_on);
CREATE TABLE sink.measurements_2023 PARTITION OF sink.measurements FOR VALUES FROM (MINVALUE) TO ('2024-01-01');
CREATE TABLE sink.measurements_2024 PARTITION OF sink.measurements FOR VALUES FROM ('2024-01-01') TO ('2025-01-01')
    PARTITION BY LIST (region);
CREATE TABLE sink.measurements_2024_eu PARTITION OF sink.measurements_2024 FOR VALUES IN ('eu', 'uk');
CREATE TABLE "Mixed Case"."Measurements 2024 other" PARTITION OF sink.measurements_2024 DEFAULT;
CREATE TABLE sink.measurements_2025 (
    note text, gone integer, region text NOT NULL, taken_on date NOT NULL, id uuid NOT NULL, value numeric,
    tenant_id :key_type NOT NULL);
ALTER TABLE sink.measurements_2025 DROP COLUMN gone;
ALTER TABLE sink.measurements ATTACH PARTITION sink.measurements_2025 FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE sink.measurements_other PARTITION OF sink.measurements DEFAULT;
CREATE INDEX measurements_tenant ON sink.measurements (tenant_id, taken_on);
INSERT INTO sink.measurements
SELECT md5(t.slug || n)::uuid, t.id, date '2023-06-01' + n * 40, (ARRAY['eu', 'uk', 'us', 'jp'])[1 + n % 4], n * 1.10,
    CASE WHEN n % 3 > 0 THEN 'n' || n END
FROM tenants t, generate_series(0, 40) n;

CREATE TABLE sink.hashed (
    tenant_id :key_type NOT NULL, id integer NOT NULL, body text, PRIMARY KEY (tenant_id, id)) PARTITION BY HASH (id);
CREATE TABLE sink.hashed_0 PARTITION OF sink.hashed FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE sink.hashed_1 PARTITION OF sink.hashed FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO sink.hashed SELECT t.id, n, 'h' || n FROM tenants t, generate_series(1, 20) n;

CREATE TABLE sink.listed (tenant_id :key_type NOT NULL, id integer NOT NULL, body text) PARTITION BY LIST (tenant_id);
CREATE TABLE sink.listed_a PARTITION OF sink.listed FOR VALUES IN (:'a');
CREATE TABLE sink.listed_other PARTITION OF sink.listed DEFAULT;
INSERT INTO sink.listed SELECT t.id, n, 'l' || n FROM tenants t, generate_series(1, 5) n;

-- Derived and partitioned at once
CREATE TABLE sink.card_events (
    card_id uuid NOT NULL REFERENCES sink.cards, at date NOT NULL, kind text) PARTITION BY RANGE (at);
CREATE TABLE sink.card_events_all PARTITION OF sink.card_events DEFAULT;
INSERT INTO sink.card_events SELECT id, date '2024-01-01' + n, 'k' || n FROM sink.cards, generate_series(1, 2) n;

-- Names

CREATE TABLE "Mixed Case"."Quoted ""Name"" Table" (
    "Id" integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id :key_type NOT NULL REFERENCES tenants,
    "select" text, "Column, with (punctuation)" integer, "it's" text, "a""b" text, "ünï" "Mixed Case"."Colour"
);
INSERT INTO "Mixed Case"."Quoted ""Name"" Table" (tenant_id, "select", "Column, with (punctuation)", "it's", "a""b",
    "ünï")
SELECT id, 'select', n, 'it''s', '"', 'grün' FROM tenants, generate_series(1, 4) n;
CREATE TABLE "Mixed Case"."order" (tenant_id :key_type NOT NULL, "user" text, "end" integer PRIMARY KEY);
INSERT INTO "Mixed Case"."order" SELECT id, 'u', row_number() OVER (ORDER BY slug) FROM tenants;
CREATE TABLE public."we.ird; na'me % {0} [red]x[/] $1 \ --" (tenant_id :key_type NOT NULL REFERENCES tenants,
    "%s {0} [b]" integer PRIMARY KEY);
INSERT INTO public."we.ird; na'me % {0} [red]x[/] $1 \ --" SELECT id, row_number() OVER (ORDER BY slug) FROM tenants;
CREATE TABLE public.a234567890123456789012345678901234567890123456789012345678901_z (
    tenant_id :key_type NOT NULL REFERENCES tenants, id serial PRIMARY KEY);
INSERT INTO public.a234567890123456789012345678901234567890123456789012345678901_z (tenant_id) SELECT id FROM tenants;

-- Functions, an aggregate, a procedure

CREATE FUNCTION sink.full_label(card sink.cards) RETURNS text LANGUAGE sql STABLE
    BEGIN ATOMIC; SELECT card.title || ' #' || card.touches; END;
CREATE FUNCTION sink.immutable_upper(value text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT upper(value) $$;
CREATE FUNCTION sink.visible_cards() RETURNS SETOF sink.cards
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = sink, pg_temp AS $$
    SELECT * FROM cards $$;
CREATE AGGREGATE sink.longest(text) (SFUNC = text_larger, STYPE = text);
CREATE PROCEDURE sink.touch(card uuid) LANGUAGE plpgsql AS $$ BEGIN UPDATE sink.cards SET touches = touches + 1 WHERE id = card; END $$;
COMMENT ON FUNCTION sink.immutable_upper(text) IS E'a comment\nof two lines';

-- Indexes and statistics

CREATE INDEX cards_title_trgm ON sink.cards USING gin (title gin_trgm_ops);
CREATE INDEX cards_upper ON sink.cards (sink.immutable_upper(title)) WHERE touches > 0;
CREATE INDEX cards_tenant_hash ON sink.cards USING hash (tenant_id);
CREATE INDEX long_values_brin ON sink.long_values USING brin (id) WITH (pages_per_range = 16);
CREATE INDEX types_jsonb ON sink.types USING gin (a_jsonb jsonb_path_ops);
CREATE INDEX types_range ON sink.types USING gist (an_int4range);
CREATE INDEX types_desc ON sink.types (a_big DESC NULLS LAST, a_text text_pattern_ops) INCLUDE (an_int);
CREATE STATISTICS sink.composite_stats (dependencies, ndistinct) ON region, number FROM sink.composite_parent;
ALTER TABLE sink.tree CLUSTER ON tree_pkey;
COMMENT ON INDEX sink.cards_upper IS 'partial, on an expression';
\if :from_15
CREATE UNIQUE INDEX no_null_twice ON sink.unique_only (tenant_id, code, note) NULLS NOT DISTINCT;
\endif

-- Views

CREATE VIEW sink.card_list WITH (security_barrier = true) AS
    SELECT c.id, c.tenant_id, c.title, count(r.id) AS remarks
        FROM sink.cards c LEFT JOIN sink.remarks r ON r.card_id = c.id GROUP BY c.id;
CREATE VIEW sink.busy_cards AS SELECT * FROM sink.card_list WHERE remarks > 2;
CREATE VIEW sink.untouched AS SELECT id, tenant_id, title, touches FROM sink.cards
    WHERE touches = 0 WITH LOCAL CHECK OPTION;
CREATE RECURSIVE VIEW sink.tree_depth (id, tenant_id, depth) AS
    SELECT id, tenant_id, 0 FROM sink.tree WHERE parent_id IS NULL
    UNION ALL SELECT t.id, t.tenant_id, d.depth + 1 FROM sink.tree t JOIN tree_depth d ON t.parent_id = d.id;
CREATE MATERIALIZED VIEW sink.card_counts AS SELECT tenant_id, count(*) AS cards FROM sink.cards GROUP BY tenant_id;
CREATE UNIQUE INDEX card_counts_key ON sink.card_counts (tenant_id);
-- On another materialised view: refreshed after it. Its name sorts first.
CREATE MATERIALIZED VIEW sink.a_summary AS SELECT tenant_id, cards * 2 AS twice FROM sink.card_counts;
CREATE MATERIALIZED VIEW sink.never_filled AS SELECT id FROM sink.cards WITH NO DATA;
COMMENT ON VIEW sink.busy_cards IS 'of interest';
COMMENT ON MATERIALIZED VIEW sink.card_counts IS 'refreshed at night';

-- Triggers and rules

CREATE TABLE sink.history (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tenant_id :key_type, source text NOT NULL,
    operation text NOT NULL, old_row jsonb, new_row jsonb
);
INSERT INTO sink.history (tenant_id, source, operation) SELECT id, 'before the triggers', 'INSERT' FROM tenants;

CREATE FUNCTION sink.write_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO sink.history (tenant_id, source, operation, old_row, new_row)
    VALUES (COALESCE(NEW.tenant_id, OLD.tenant_id), TG_TABLE_NAME, TG_OP, to_jsonb(OLD), to_jsonb(NEW));
    RETURN NULL;
END
$$;
CREATE FUNCTION sink.stamp() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN NEW.updated_at := clock_timestamp(); RETURN NEW; END $$;
CREATE FUNCTION sink.count_touch() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN NEW.touches := COALESCE(OLD.touches, 0) + 1; NEW.touched_at := clock_timestamp(); RETURN NEW; END $$;
CREATE FUNCTION sink.nothing() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE FUNCTION sink.never_here() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'this trigger is disabled'; END $$;
CREATE FUNCTION sink.summarise() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO sink.history (source, operation, new_row)
        SELECT TG_TABLE_NAME, TG_OP || ' statement', to_jsonb(count(*)) FROM added;
    RETURN NULL;
END
$$;
CREATE FUNCTION sink.insert_busy() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN INSERT INTO sink.cards (tenant_id, title) VALUES (NEW.tenant_id, NEW.title); RETURN NEW; END $$;

CREATE TRIGGER cards_history AFTER INSERT OR UPDATE OR DELETE ON sink.cards
    FOR EACH ROW EXECUTE FUNCTION sink.write_history();
CREATE TRIGGER cards_touch BEFORE UPDATE ON sink.cards
    FOR EACH ROW WHEN (OLD.title IS DISTINCT FROM NEW.title) EXECUTE FUNCTION sink.count_touch();
CREATE TRIGGER tree_stamp BEFORE INSERT OR UPDATE ON sink.tree FOR EACH ROW EXECUTE FUNCTION sink.stamp();
-- Fires under session_replication_role = replica too.
ALTER TABLE sink.tree ENABLE ALWAYS TRIGGER tree_stamp;
CREATE TRIGGER cards_disabled BEFORE INSERT ON sink.cards FOR EACH ROW EXECUTE FUNCTION sink.never_here();
ALTER TABLE sink.cards DISABLE TRIGGER cards_disabled;
CREATE TRIGGER cards_replica_only BEFORE INSERT ON sink.cards FOR EACH STATEMENT EXECUTE FUNCTION sink.nothing();
ALTER TABLE sink.cards ENABLE REPLICA TRIGGER cards_replica_only;
CREATE TRIGGER remarks_summary
    AFTER INSERT ON sink.remarks REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION sink.summarise();
CREATE CONSTRAINT TRIGGER employees_late AFTER INSERT OR UPDATE ON sink.employees DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION sink.nothing();
CREATE TRIGGER measurements_history AFTER INSERT OR UPDATE ON sink.measurements
    FOR EACH ROW EXECUTE FUNCTION sink.write_history();
CREATE TRIGGER busy_insert INSTEAD OF INSERT ON sink.busy_cards FOR EACH ROW EXECUTE FUNCTION sink.insert_busy();
COMMENT ON TRIGGER cards_touch ON sink.cards IS 'counts';
CREATE RULE untouched_told AS ON INSERT TO sink.untouched DO ALSO NOTIFY sink_untouched;
CREATE RULE no_delete AS ON DELETE TO sink.untouched DO INSTEAD NOTHING;
COMMENT ON RULE no_delete ON sink.untouched IS 'not this way';

-- Row security and privileges

ALTER TABLE sink.cards ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON sink.cards
    USING (tenant_id = NULLIF(current_setting('app.current_tenant_id', true), '')::text:::key_type);
CREATE POLICY "only short titles" ON sink.cards AS RESTRICTIVE FOR INSERT TO application_role, sink_reader
    WITH CHECK (length(title) < 60);
COMMENT ON POLICY "only short titles" ON sink.cards IS 'restrictive';
ALTER TABLE sink.remarks ENABLE ROW LEVEL SECURITY;
CREATE POLICY by_card ON sink.remarks USING (EXISTS (SELECT FROM sink.cards c WHERE c.id = card_id));
ALTER TABLE sink.tree ENABLE ROW LEVEL SECURITY;
CREATE POLICY nobody ON sink.tree FOR SELECT TO sink_reader USING (false);
ALTER TABLE sink.measurements ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON sink.measurements
    USING (tenant_id = NULLIF(current_setting('app.current_tenant_id', true), '')::text:::key_type);
\if :force_row_security
ALTER TABLE sink.tree FORCE ROW LEVEL SECURITY;
ALTER TABLE sink.composite_parent ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
\endif

GRANT USAGE ON SCHEMA sink, ext TO application_role, sink_reader;
GRANT SELECT, INSERT, UPDATE, DELETE ON sink.cards, sink.remarks, sink.types, sink.measurements TO application_role;
GRANT SELECT ON sink.cards TO sink_reader WITH GRANT OPTION;
GRANT SELECT (id, tenant_id), UPDATE (parent_id) ON sink.tree TO sink_reader;
GRANT SELECT ON sink.countries TO PUBLIC;
GRANT USAGE, SELECT ON SEQUENCE sink.shared_seq TO application_role;
REVOKE EXECUTE ON FUNCTION sink.visible_cards() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION sink.visible_cards() TO sink_reader;
REVOKE USAGE ON TYPE sink.mood FROM PUBLIC;
GRANT USAGE ON TYPE sink.mood TO application_role;
ALTER DEFAULT PRIVILEGES IN SCHEMA sink GRANT SELECT ON TABLES TO sink_reader;

CREATE TABLE sink.kept (tenant_id :key_type NOT NULL REFERENCES tenants, id integer PRIMARY KEY, note text);
INSERT INTO sink.kept SELECT id, row_number() OVER (ORDER BY slug), 'kept' FROM tenants;
\if :other_owner
-- An owner of whom the migrator's role is only a member
GRANT USAGE, CREATE ON SCHEMA sink TO sink_keeper;
ALTER TABLE sink.kept OWNER TO sink_keeper;
\endif

COMMENT ON TABLE sink.types IS 'Every type; ünï, ''quotes'', "doubles", back\slash';
COMMENT ON COLUMN "Mixed Case"."Quoted ""Name"" Table"."it's" IS 'it''s';
COMMENT ON SEQUENCE sink.shared_seq IS 'shared by several';

COMMIT;

REFRESH MATERIALIZED VIEW sink.card_counts;
REFRESH MATERIALIZED VIEW sink.a_summary;
-- As owner: the catalogs are not ours to analyse, which is only worth a warning.
SET client_min_messages = error;
ANALYZE;
