-- Traces: keys are texts, events are partitioned by day, prices are everybody's or a project's, comments name by type.
---- tenancy
{
  "tenant_columns": ["org_id"],
  "tables": {
    "public.people": { "shared_through": ["public.org_members.person_id", "public.comments.author_id"] },
    "public.keys": { "any_of": [{ "tenant": "org_id" }, { "belongs_to": "public.projects",
    "by": { "project_id": "id" } }] },
    "public.events": { "belongs_to": "public.projects", "by": { "project_id": "id" } },
    "public.scores": { "belongs_to": "public.projects", "by": { "project_id": "id" } },
    "public.comments": {
      "by_type": { "type": "object_type", "id": "object_id", "to": { "score": "public.scores",
    "dataset": "public.datasets" } }
    },
    "public.media": { "named_by": ["public.items.media_id"] },
    "public.prices": { "tenant": "org_id", "null": "global" },
    "public.cron_jobs": "ignored"
  }
}
---- schema
CREATE TABLE people (id text PRIMARY KEY, email text);
CREATE TABLE org_members (id text PRIMARY KEY, org_id bigint NOT NULL REFERENCES tenants, person_id text
    REFERENCES people);
CREATE TABLE projects (id text PRIMARY KEY, org_id bigint NOT NULL REFERENCES tenants, name text);
CREATE TABLE keys (id text PRIMARY KEY, org_id bigint REFERENCES tenants, project_id text, hash text);
CREATE TABLE events (id text, project_id text NOT NULL, day date NOT NULL, body jsonb, PRIMARY KEY (project_id, day,
    id))
    PARTITION BY RANGE (day);
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2025-02-01');
CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM ('2025-02-01') TO ('2025-03-01');
CREATE TABLE events_rest PARTITION OF events DEFAULT;
CREATE TABLE scores (id text PRIMARY KEY, project_id text NOT NULL, value double precision, tags text[]);
CREATE TABLE datasets (id text PRIMARY KEY, project_id text NOT NULL REFERENCES projects, name text);
CREATE TABLE media (id text PRIMARY KEY, bytes bytea);
CREATE TABLE items (id text PRIMARY KEY, dataset_id text NOT NULL REFERENCES datasets ON DELETE CASCADE,
    media_id text REFERENCES media, input jsonb);
CREATE TABLE runs (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, dataset_id text NOT NULL REFERENCES datasets,
    at timestamptz);
CREATE TABLE comments (id text PRIMARY KEY, object_type text NOT NULL, object_id text NOT NULL,
    author_id text REFERENCES people, body text);
CREATE TABLE prices (id text PRIMARY KEY, org_id bigint, amount numeric);
CREATE TABLE cron_jobs (name text PRIMARY KEY, last timestamptz);
CREATE INDEX ON scores (project_id); CREATE INDEX ON comments (object_id); CREATE INDEX ON items (media_id);
INSERT INTO people SELECT 'u' || n, 'e' || n FROM generate_series(1, 10) n;
INSERT INTO org_members SELECT 'm' || n, 1 + n % 2, 'u' || n FROM generate_series(1, 10) n;
INSERT INTO projects SELECT 'p' || n, 1 + n % 2, 'x' FROM generate_series(1, 6) n;
INSERT INTO keys VALUES ('k1', 1, NULL), ('k2', 2, NULL), ('k3', NULL, 'p2'), ('k4', NULL, 'p3');
INSERT INTO events SELECT 'e' || n, 'p' || 1 + n % 6, date '2025-01-01' + n, '{}' FROM generate_series(1, 90) n;
INSERT INTO scores SELECT 's' || n, 'p' || 1 + n % 6, n / 7.0, ARRAY['a', 'b'] FROM generate_series(1, 60) n;
INSERT INTO datasets SELECT 'd' || n, 'p' || n FROM generate_series(1, 6) n;
INSERT INTO media SELECT 'f' || n, '\xdead' FROM generate_series(1, 12) n; INSERT INTO media VALUES ('f900', '\x00');
INSERT INTO items SELECT 'i' || n, 'd' || 1 + n % 6, 'f' || n, '{}' FROM generate_series(1, 12) n;
INSERT INTO runs (dataset_id, at) SELECT 'd' || 1 + n % 6, '2025-01-01' FROM generate_series(1, 12) n;
INSERT INTO comments SELECT 'c' || n, 'score', 's' || n, 'u' || 1 + (n + 1) % 10, 'c' FROM generate_series(1, 60) n;
INSERT INTO comments SELECT 'd' || n, 'dataset', 'd' || n, NULL, 'c' FROM generate_series(1, 6) n;
INSERT INTO prices VALUES ('all', NULL, 1), ('one', 1, 2), ('two', 2, 3);
INSERT INTO cron_jobs VALUES ('x');
---- mine
org_members | org_id = 1
projects | org_id = 1
keys | org_id = 1 OR project_id IN (SELECT id FROM projects WHERE org_id = 1)
events | project_id IN (SELECT id FROM projects WHERE org_id = 1)
scores | project_id IN (SELECT id FROM projects WHERE org_id = 1)
datasets | project_id IN (SELECT id FROM projects WHERE org_id = 1)
items | dataset_id IN (SELECT d.id FROM datasets d JOIN projects p ON p.id = d.project_id AND p.org_id = 1)
media | id IN (SELECT i.media_id FROM items i JOIN datasets d ON d.id = i.dataset_id
    JOIN projects p ON p.id = d.project_id AND p.org_id = 1)
runs | dataset_id IN (SELECT d.id FROM datasets d JOIN projects p ON p.id = d.project_id AND p.org_id = 1)
comments | (object_type = 'score' AND object_id IN (SELECT s.id FROM scores s
    JOIN projects p ON p.id = s.project_id AND p.org_id = 1)) OR (object_type = 'dataset'
    AND object_id IN (SELECT d.id FROM datasets d JOIN projects p ON p.id = d.project_id AND p.org_id = 1))
prices | org_id = 1
---- along
prices | org_id IS NULL
---- meanwhile
INSERT INTO events VALUES ('e200', 'p2', '2025-01-15', '{"a": 1}'), ('e201', 'p1', '2025-01-15', '{}'), ('e202',
    'p4', '2026-01-01', '{}');
UPDATE events SET body = '{"changed": 1}' WHERE id IN ('e1', 'e3', 'e5', 'e6');
UPDATE events SET day = '2025-02-20' WHERE id = 'e7';
DELETE FROM events WHERE id = 'e9';
INSERT INTO projects VALUES ('p10', 1); INSERT INTO scores VALUES ('s100', 'p10', 1, NULL), ('s101', 'p11', 1, NULL);
INSERT INTO comments VALUES ('c100', 'score', 's100', 'u2', 'new'), ('c101', 'score', 's101', 'u1', 'early');
INSERT INTO projects VALUES ('p11', 1);
UPDATE keys SET project_id = 'p4' WHERE id = 'k4';
INSERT INTO media VALUES ('f100', '\x01'); INSERT INTO items VALUES ('i100', 'd2', 'f100', '{}');
UPDATE items SET media_id = 'f900' WHERE id = 'i1';
UPDATE prices SET org_id = 1 WHERE id = 'two';
---- there
UPDATE scores SET value = 0.1, tags = ARRAY['there'] WHERE id LIKE '%5'; DELETE FROM comments WHERE id LIKE '%7';
INSERT INTO events VALUES ('e300', 'p2', '2025-02-02', '{}'); INSERT INTO runs (dataset_id) VALUES ('d2');
INSERT INTO media VALUES ('f300', '\x02'); INSERT INTO items VALUES ('i300', 'd2', 'f300', '{}');
