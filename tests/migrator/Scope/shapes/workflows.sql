-- A workflow engine: everything has its "tenantId", runs are partitioned twice, history and metrics have no key.
---- tenancy
{
  "tenant_columns": ["tenantId", "tenant_id"],
  "tables": {
    "public.operators": { "shared_through": ["public.operator_roles.operator_id"], "blank": ["last_tenant"] },
    "public.run_edges": { "belongs_to": "public.runs", "by": { "run_id": "id", "shard": "shard" } },
    "public.payloads": { "named_by": ["public.steps.payload_id"] },
    "public.cron_state": { "where": "split_part(name, ':', 1) = :tenant" },
    "public.leases": "ignored",
    "public.versions": "reference"
  }
}
---- schema
CREATE TABLE versions (id int PRIMARY KEY, name text);
CREATE TABLE operators (id uuid PRIMARY KEY, email text, last_tenant bigint);
CREATE TABLE operator_roles (operator_id uuid NOT NULL REFERENCES operators, "tenantId" bigint NOT NULL
    REFERENCES tenants,
    role text, PRIMARY KEY (operator_id, "tenantId"));
CREATE TABLE workflows (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), "tenantId" bigint NOT NULL
    REFERENCES tenants ON DELETE CASCADE,
    name text NOT NULL, version_id int REFERENCES versions, UNIQUE ("tenantId", name));
CREATE TABLE triggers (id bigint PRIMARY KEY, workflow_id uuid NOT NULL REFERENCES workflows ON DELETE CASCADE,
    cron text,
    parent_id bigint REFERENCES triggers);
CREATE TABLE payloads (id bigint PRIMARY KEY, body text);
CREATE TABLE runs (id bigint, shard int, "tenantId" bigint NOT NULL, state text, PRIMARY KEY (id, shard))
    PARTITION BY LIST (shard);
CREATE TABLE runs_0 PARTITION OF runs FOR VALUES IN (0) PARTITION BY HASH (id);
CREATE TABLE runs_0_0 PARTITION OF runs_0 FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE runs_0_1 PARTITION OF runs_0 FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE runs_1 PARTITION OF runs FOR VALUES IN (1);
CREATE TABLE steps (id bigint PRIMARY KEY, run_id bigint NOT NULL, shard int NOT NULL, payload_id bigint
    REFERENCES payloads,
    FOREIGN KEY (run_id, shard) REFERENCES runs ON DELETE CASCADE);
CREATE TABLE run_edges (run_id bigint, shard int, child bigint, PRIMARY KEY (run_id, shard, child));
CREATE TABLE history (tenant_id bigint NOT NULL, at timestamptz NOT NULL DEFAULT '2025-01-01', what text);
CREATE TABLE metrics (tenant_id bigint, name text, value numeric);
CREATE TABLE cron_state (name text PRIMARY KEY, state jsonb);
CREATE TABLE leases (worker uuid PRIMARY KEY, until timestamptz);
CREATE INDEX ON steps (payload_id); CREATE INDEX ON steps (run_id, shard); CREATE INDEX ON run_edges (run_id, shard);
INSERT INTO versions VALUES (1, 'v1');
INSERT INTO operators SELECT md5(n::text)::uuid, 'o' || n, 1 + n % 2 FROM generate_series(1, 8) n;
INSERT INTO operator_roles SELECT md5(n::text)::uuid, 1 + n % 2, 'admin' FROM generate_series(1, 8) n;
INSERT INTO operator_roles VALUES (md5('1')::uuid, 1, 'guest');
INSERT INTO workflows SELECT md5('w' || n)::uuid, 1 + n % 2, 'w' || n, 1 FROM generate_series(1, 8) n;
INSERT INTO triggers SELECT n, md5('w' || n)::uuid, '* * *', NULL FROM generate_series(1, 8) n;
INSERT INTO triggers SELECT 10 + n, md5('w' || n)::uuid, '1 * *', n FROM generate_series(1, 8) n;
INSERT INTO payloads SELECT n, repeat('p', n) FROM generate_series(1, 40) n; INSERT INTO payloads VALUES (900,
    'spare');
INSERT INTO runs SELECT n, n % 3 / 2, 1 + n % 2, 'queued' FROM generate_series(1, 40) n;
INSERT INTO steps SELECT n, n, n % 3 / 2, n FROM generate_series(1, 40) n;
INSERT INTO run_edges SELECT n, n % 3 / 2, n + 2 FROM generate_series(1, 40) n;
INSERT INTO history SELECT 1 + n % 2, '2025-01-01', 'h' || n / 4 FROM generate_series(1, 40) n;
INSERT INTO metrics SELECT 1 + n % 2, 'm', n FROM generate_series(1, 20) n;
INSERT INTO cron_state SELECT (1 + n % 2) || ':' || n, '{}' FROM generate_series(1, 10) n;
INSERT INTO leases VALUES (md5('x')::uuid);
---- mine
operator_roles | "tenantId" = 1
workflows | "tenantId" = 1
triggers | workflow_id IN (SELECT id FROM workflows WHERE "tenantId" = 1)
runs | "tenantId" = 1
steps | (run_id, shard) IN (SELECT id, shard FROM runs WHERE "tenantId" = 1)
run_edges | (run_id, shard) IN (SELECT id, shard FROM runs WHERE "tenantId" = 1)
payloads | id IN (SELECT s.payload_id FROM steps s JOIN runs r ON (r.id, r.shard) = (s.run_id, s.shard)
    AND r."tenantId" = 1)
history | tenant_id = 1
metrics | tenant_id = 1
cron_state | name LIKE '1:%'
---- meanwhile
INSERT INTO runs VALUES (100, 0, 1, 'new'), (101, 1, 1, 'new'), (102, 0, 2, 'new');
INSERT INTO payloads VALUES (100, 'x'), (102, 'y'); INSERT INTO steps VALUES (100, 100, 0, 100), (102, 102, 0, 102);
INSERT INTO run_edges VALUES (100, 0, 101), (103, 1, 100); INSERT INTO runs VALUES (103, 1, 1, 'late');
UPDATE runs SET state = 'done' WHERE id % 4 = 0;
DELETE FROM runs WHERE id IN (6, 7);
INSERT INTO history VALUES (1, '2025-02-01', 'new'), (2, '2025-02-01', 'new'); DELETE FROM history WHERE what = 'h3';
UPDATE metrics SET value = value + 1 WHERE value < 5;
UPDATE cron_state SET name = '1:x' WHERE name = '2:1'; UPDATE cron_state SET name = '2:y' WHERE name = '1:2';
UPDATE workflows SET "tenantId" = 1 WHERE name = 'w1'; UPDATE steps SET payload_id = 900 WHERE id = 8;
---- there
UPDATE runs SET state = 'there' WHERE id % 5 = 0; DELETE FROM run_edges WHERE run_id % 6 = 0;
INSERT INTO runs VALUES (300, 1, 1, 'there'); INSERT INTO payloads VALUES (300, 'z'); INSERT INTO steps VALUES (300,
    300, 1, 300);
INSERT INTO history VALUES (1, '2025-03-01', 'there'); UPDATE metrics SET value = 0 WHERE value > 15;
INSERT INTO cron_state VALUES ('1:there', '{}');
