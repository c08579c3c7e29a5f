-- Fills the shared database from the temporary table sample_tenants (tenant_id, salt, total): as many rows as asked, the
-- same for the same salt, and the tenants' rows interleaved as they are in a database that was written to over months.

CREATE FUNCTION pg_temp.size(kind text, total bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT greatest(1, total * CASE kind
        WHEN 'agent_events' THEN 400
        WHEN 'audit_logs' THEN 200
        WHEN 'comments' THEN 160
        WHEN 'tasks' THEN 120
        WHEN 'design_recommendations' THEN 30
        WHEN 'tech_stack_recommendations' THEN 30
        WHEN 'users' THEN 20
        WHEN 'attachments' THEN 20
        WHEN 'project_members' THEN 10
        WHEN 'projects' THEN 5
        WHEN 'invoice_lines' THEN 4
        WHEN 'invoices' THEN 1
    END / 1000)
$$;

-- The k-th row of each tenant, spread evenly. n goes outside: that is what interleaves.
CREATE FUNCTION pg_temp.slots(kind text) RETURNS TABLE (tenant_id uuid, salt bigint, total bigint, k bigint, part double precision)
LANGUAGE sql STABLE AS $$
    SELECT s.tenant_id, s.salt, s.total, s.k, s.k / s.size::double precision
    FROM (SELECT max(pg_temp.size(kind, total)) AS top FROM sample_tenants) AS m,
        generate_series(1, m.top) AS n,
        LATERAL (
            SELECT t.*, n * z.size / m.top AS k, z.size
            FROM sample_tenants t, LATERAL (SELECT pg_temp.size(kind, t.total) AS size) AS z
            WHERE n * z.size / m.top > (n - 1) * z.size / m.top
            OFFSET 0
        ) AS s
    -- Computed once per row, not once per use; and then the functions below are inlined.
    OFFSET 0
$$;

CREATE FUNCTION pg_temp.key(kind text, tenant_id uuid, k bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS
    $$ SELECT md5(kind || tenant_id::text || k::text)::uuid $$;

-- One of 1 to n, always the same one for the same k and salt.
CREATE FUNCTION pg_temp.pick(k bigint, salt bigint, n bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS
    $$ SELECT 1 + (hashint8extended(k, salt) & 9223372036854775807) % n $$;

CREATE FUNCTION pg_temp.at(part double precision) RETURNS timestamptz LANGUAGE sql STABLE AS
    $$ SELECT timestamptz '2025-07-01 06:00:00+00' + part * interval '364 days' $$;

CREATE FUNCTION pg_temp.words(k bigint, salt bigint, n integer) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT left(
        (ARRAY['the service keeps ', 'an agent proposes ', 'cache invalidation in ', 'for every tenant ', 'queue workers and ',
               'naïve retries — ', 'the façade of ', 'latency budget: '])[1 + (k & 7)]
        || repeat(md5((salt + k)::text) || ' ', 1 + n / 33), n)
$$;

SET LOCAL jit = off;

-- The rows are right by construction: checking each foreign key would take as long as writing them, and the triggers
-- would write a history beside the made-up one.
SET LOCAL session_replication_role = replica;

INSERT INTO users (id, tenant_id, email, display_name, roles, preferences, last_seen_at, created_at, updated_at)
SELECT pg_temp.key('user', tenant_id, k), tenant_id, 'user' || k || '@' || left(md5(tenant_id::text), 8) || '.example',
    (ARRAY['Ada', 'Grace', 'Edsger', 'Barbara', 'Donald', 'Zoë', 'José', '桜'])[pg_temp.pick(k, salt, 8)]
        || ' ' || initcap(left(md5(k::text), 7)),
    CASE WHEN k = 1 THEN '{owner,admin}'::text[] WHEN k % 20 = 0 THEN '{admin}' ELSE '{member}' END,
    jsonb_build_object('theme', CASE WHEN k % 3 = 0 THEN 'dark' ELSE 'light' END, 'digest', k % 7),
    CASE WHEN k % 11 > 0 THEN pg_temp.at(1) - k * interval '3 minutes' END, pg_temp.at(part * 0.2), pg_temp.at(part * 0.2)
FROM pg_temp.slots('users');

INSERT INTO projects (id, tenant_id, owner_id, name, description, budget, created_at, updated_at)
SELECT pg_temp.key('project', tenant_id, k), tenant_id, pg_temp.key('user', tenant_id, pg_temp.pick(k, salt, pg_temp.size('users', total))),
    'Project ' || k, CASE WHEN k % 4 > 0 THEN pg_temp.words(k, salt, 120) END,
    CASE WHEN k % 5 > 0 THEN pg_temp.pick(k, salt, 500000) / 4.0 END, pg_temp.at(part * 0.3), pg_temp.at(part * 0.5)
FROM pg_temp.slots('projects');

INSERT INTO project_members (tenant_id, project_id, user_id, joined_on)
SELECT tenant_id,
    pg_temp.key('project', tenant_id, pg_temp.pick(k, salt, pg_temp.size('projects', total))),
    pg_temp.key('user', tenant_id, k), pg_temp.at(part * 0.4)::date
FROM pg_temp.slots('project_members')
-- A tenant with very few rows has fewer users than members.
WHERE k <= pg_temp.size('users', total);

INSERT INTO tasks (id, tenant_id, project_id, parent_task_id, assignee_id, title, status, priority, estimate, labels,
    created_at, updated_at)
SELECT pg_temp.key('task', tenant_id, k), tenant_id,
    pg_temp.key('project', tenant_id, pg_temp.pick(k, salt, pg_temp.size('projects', total))),
    CASE WHEN k % 5 = 0 THEN pg_temp.key('task', tenant_id, k - k / 3) END,
    CASE WHEN k % 3 > 0 THEN pg_temp.key('user', tenant_id, pg_temp.pick(k, salt, pg_temp.size('users', total))) END,
    pg_temp.words(k, salt, 30 + (k % 40)::integer), (enum_range(NULL::task_status))[pg_temp.pick(k, salt, 5)], 1 + k % 5,
    CASE WHEN k % 2 = 0 THEN pg_temp.pick(k, salt, 80) * interval '30 minutes' END,
    CASE k % 4 WHEN 0 THEN '{}'::text[] WHEN 1 THEN '{bug}' WHEN 2 THEN '{ui,"needs design"}' ELSE '{infra}' END,
    pg_temp.at(part), pg_temp.at(part) + interval '2 hours'
FROM pg_temp.slots('tasks');

INSERT INTO comments (id, task_id, author_id, reply_to, body, created_at, updated_at)
SELECT pg_temp.key('comment', tenant_id, k), pg_temp.key('task', tenant_id, pg_temp.pick(k, salt, pg_temp.size('tasks', total))),
    pg_temp.key('user', tenant_id, pg_temp.pick(k, salt + 1, pg_temp.size('users', total))),
    CASE WHEN k % 7 = 0 THEN pg_temp.key('comment', tenant_id, k - 3) END,
    pg_temp.words(k, salt, 40 + (k % 200)::integer), pg_temp.at(part), pg_temp.at(part)
FROM pg_temp.slots('comments');

INSERT INTO attachments (comment_id, file_name, checksum, size_bytes)
SELECT pg_temp.key('comment', tenant_id, pg_temp.pick(k, salt, pg_temp.size('comments', total))),
    'screenshot-' || k || '.png', sha256(int8send(k)), pg_temp.pick(k, salt, 5000000)
FROM pg_temp.slots('attachments');

INSERT INTO design_recommendations (id, tenant_id, project_id, state, title, rationale, document, confidence,
    created_at, updated_at)
SELECT pg_temp.key('design', tenant_id, k), tenant_id,
    pg_temp.key('project', tenant_id, pg_temp.pick(k, salt, pg_temp.size('projects', total))),
    (enum_range(NULL::recommendation_state))[pg_temp.pick(k, salt, 3)], 'Design ' || k,
    pg_temp.words(k, salt, 300 + (k % 500)::integer),
    jsonb_build_object('layers', jsonb_build_array('api', 'domain', 'storage'), 'revision', k % 9,
        'notes', pg_temp.words(k, salt + 1, 200)),
    pg_temp.pick(k, salt, 1000) / 1001.0::double precision, pg_temp.at(part), pg_temp.at(part)
FROM pg_temp.slots('design_recommendations');

INSERT INTO tech_stack_recommendations (id, tenant_id, project_id, state, stack, score, created_at, updated_at)
SELECT pg_temp.key('stack', tenant_id, k), tenant_id,
    pg_temp.key('project', tenant_id, pg_temp.pick(k, salt, pg_temp.size('projects', total))),
    (enum_range(NULL::recommendation_state))[pg_temp.pick(k, salt + 1, 3)],
    jsonb_build_object('language', (ARRAY['C#', 'Go', 'Rust', 'TypeScript'])[pg_temp.pick(k, salt, 4)], 'database', 'PostgreSQL',
        'why', pg_temp.words(k, salt, 150)),
    pg_temp.pick(k, salt, 10000) / 100.0, pg_temp.at(part), pg_temp.at(part)
FROM pg_temp.slots('tech_stack_recommendations');

INSERT INTO agent_events (id, tenant_id, project_id, kind, payload, tokens, created_at)
SELECT pg_temp.key('event', tenant_id, k), tenant_id,
    pg_temp.key('project', tenant_id, pg_temp.pick(k, salt, pg_temp.size('projects', total))),
    (ARRAY['started', 'tool called', 'message', 'finished', 'failed'])[pg_temp.pick(k, salt, 5)],
    jsonb_build_object('step', k, 'agent', 'agent-' || k % 12, 'text', pg_temp.words(k, salt, 20 + (k % 120)::integer)),
    pg_temp.pick(k, salt, 8000), pg_temp.at(part)
FROM pg_temp.slots('agent_events');

INSERT INTO audit_logs (tenant_id, actor_id, action, entity, entity_id, client, detail, created_at)
SELECT tenant_id,
    CASE WHEN k % 9 > 0 THEN pg_temp.key('user', tenant_id, pg_temp.pick(k, salt, pg_temp.size('users', total))) END,
    (ARRAY['insert', 'update', 'delete', 'login'])[pg_temp.pick(k, salt, 4)],
    (ARRAY['tasks', 'projects', 'users'])[pg_temp.pick(k, salt + 1, 3)],
    pg_temp.key('entity', tenant_id, k)::text, inet '10.0.0.0' + pg_temp.pick(k, salt, 65000),
    CASE WHEN k % 3 > 0 THEN jsonb_build_object('field', 'status', 'from', k % 5, 'to', (k + 1) % 5) END, pg_temp.at(part)
FROM pg_temp.slots('audit_logs');
INSERT INTO audit_logs (tenant_id, action, entity, detail, created_at)
SELECT NULL, 'migrate', 'schema', jsonb_build_object('version', version), applied_at FROM schema_migrations ORDER BY version;

INSERT INTO billing.invoices (number, tenant_id, period, net, tax, issued_at)
SELECT nextval('billing.invoice_number_seq'), tenant_id, daterange(month::date, (month + interval '1 month')::date),
    pg_temp.pick(k, salt, 100000) / 100.0, pg_temp.pick(k, salt, 19000) / 100.0, month + interval '1 month 2 days'
FROM pg_temp.slots('invoices'), LATERAL (SELECT date_trunc('month', pg_temp.at(part) AT TIME ZONE 'UTC') AS month) AS m;

INSERT INTO billing.invoice_lines (invoice_number, line, description, quantity, unit_price)
SELECT number, line, (ARRAY['Seats', 'Agent hours', 'Storage', 'Support'])[line], 1 + number % 40, net / (1 + number % 40) / 4
FROM billing.invoices, generate_series(1, 4) AS line
WHERE tenant_id IN (SELECT tenant_id FROM sample_tenants);

INSERT INTO feature_overrides (tenant_id, flag, enabled)
SELECT tenant_id, key, (hashtext(tenant_id::text || key) & 1) = 0
FROM sample_tenants, feature_flags
WHERE hashtext(key || tenant_id::text) % 3 <> 0;

REFRESH MATERIALIZED VIEW billing.revenue;
DROP TABLE sample_tenants;
