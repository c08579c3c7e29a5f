-- The shared database of a software factory: every tenant's rows side by side, kept apart by row-level security.
-- Run by its owner, who is no superuser.

CREATE SCHEMA billing;

CREATE TYPE task_status AS ENUM ('backlog', 'in progress', 'in review', 'done', 'abandoned');
CREATE TYPE recommendation_state AS ENUM ('proposed', 'accepted', 'rejected');
CREATE DOMAIN email_address AS text CHECK (VALUE ~ '^[^@[:space:]]+@[^@[:space:]]+$');

CREATE FUNCTION current_tenant_id() RETURNS uuid LANGUAGE sql STABLE AS
    $$ SELECT NULLIF(pg_catalog.current_setting('app.current_tenant_id', true), '')::uuid $$;

-- The same for all tenants

CREATE TABLE schema_migrations (
    version text PRIMARY KEY,
    applied_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE plans (
    code text PRIMARY KEY,
    name text NOT NULL,
    monthly_price numeric(10, 2) NOT NULL,
    limits jsonb NOT NULL DEFAULT '{}'
);

CREATE TABLE feature_flags (
    key text PRIMARY KEY,
    description text NOT NULL,
    plans text[] NOT NULL DEFAULT '{}'
);

-- Tenants and their rows

CREATE TABLE tenants (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    slug text NOT NULL UNIQUE,
    name text NOT NULL,
    plan text NOT NULL REFERENCES plans (code),
    status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'suspended', 'closed')),
    isolation_mode text NOT NULL DEFAULT 'shared',
    settings jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE feature_overrides (
    tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    flag text NOT NULL REFERENCES feature_flags (key),
    enabled boolean NOT NULL,
    PRIMARY KEY (tenant_id, flag)
);

CREATE TABLE users (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    email email_address NOT NULL,
    display_name text NOT NULL,
    roles text[] NOT NULL DEFAULT '{member}',
    preferences jsonb NOT NULL DEFAULT '{}',
    last_seen_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant_id, email)
);

CREATE TABLE projects (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    owner_id uuid NOT NULL REFERENCES users (id),
    name text NOT NULL,
    description text,
    budget numeric(12, 2),
    search tsvector GENERATED ALWAYS AS (to_tsvector('simple', name || ' ' || coalesce(description, ''))) STORED,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant_id, id)
);
CREATE INDEX projects_owner_idx ON projects (owner_id);
CREATE INDEX projects_search_idx ON projects USING gin (search);

CREATE TABLE project_members (
    tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    project_id uuid NOT NULL,
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    joined_on date NOT NULL DEFAULT CURRENT_DATE,
    PRIMARY KEY (project_id, user_id),
    FOREIGN KEY (tenant_id, project_id) REFERENCES projects (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX project_members_tenant_idx ON project_members (tenant_id);

CREATE TABLE tasks (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    project_id uuid NOT NULL,
    parent_task_id uuid REFERENCES tasks (id),
    assignee_id uuid REFERENCES users (id) ON DELETE SET NULL,
    title text NOT NULL,
    status task_status NOT NULL DEFAULT 'backlog',
    priority smallint NOT NULL DEFAULT 3 CHECK (priority BETWEEN 1 AND 5),
    estimate interval,
    labels text[] NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (tenant_id, project_id) REFERENCES projects (tenant_id, id)
);
CREATE INDEX tasks_tenant_status_idx ON tasks (tenant_id, status);
CREATE INDEX tasks_project_idx ON tasks (tenant_id, project_id);
CREATE INDEX tasks_parent_idx ON tasks (parent_task_id) WHERE parent_task_id IS NOT NULL;
CREATE INDEX tasks_assignee_idx ON tasks (assignee_id);
CREATE INDEX tasks_open_idx ON tasks (project_id) WHERE status <> 'done';

-- No tenant column: a comment is its task's tenant's.
CREATE TABLE comments (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    task_id uuid NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    author_id uuid REFERENCES users (id) ON DELETE SET NULL,
    reply_to uuid REFERENCES comments (id) ON DELETE CASCADE,
    body text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX comments_reply_idx ON comments (reply_to) WHERE reply_to IS NOT NULL;
CREATE INDEX comments_author_idx ON comments (author_id);
CREATE INDEX comments_task_idx ON comments (task_id, created_at);

-- Two foreign keys away from the tenant.
CREATE TABLE attachments (
    id bigserial PRIMARY KEY,
    comment_id uuid NOT NULL REFERENCES comments (id) ON DELETE CASCADE,
    file_name text NOT NULL,
    checksum bytea NOT NULL,
    size_bytes bigint NOT NULL
);
CREATE INDEX attachments_comment_idx ON attachments (comment_id);

CREATE TABLE design_recommendations (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    project_id uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    state recommendation_state NOT NULL DEFAULT 'proposed',
    title text NOT NULL,
    rationale text NOT NULL,
    document jsonb NOT NULL,
    confidence double precision NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX design_recommendations_project_idx ON design_recommendations (project_id);
CREATE INDEX design_recommendations_tenant_idx ON design_recommendations (tenant_id, created_at);

CREATE TABLE tech_stack_recommendations (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    project_id uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    state recommendation_state NOT NULL DEFAULT 'proposed',
    stack jsonb NOT NULL,
    score numeric(5, 2) NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX tech_stack_recommendations_project_idx ON tech_stack_recommendations (project_id);
CREATE INDEX tech_stack_recommendations_tenant_idx ON tech_stack_recommendations (tenant_id, created_at);

CREATE TABLE agent_events (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    project_id uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    kind text NOT NULL,
    payload jsonb NOT NULL,
    tokens integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id, created_at)
) PARTITION BY RANGE (created_at);
CREATE INDEX agent_events_project_idx ON agent_events (project_id);
CREATE INDEX agent_events_tenant_idx ON agent_events (tenant_id, created_at);

DO $$
DECLARE
    month timestamp;
BEGIN
    FOR month IN SELECT generate_series('2025-07-01'::timestamp, '2026-06-01', '1 month') LOOP
        EXECUTE format(
            'CREATE TABLE %I PARTITION OF agent_events FOR VALUES FROM (%L) TO (%L)',
            'agent_events_' || to_char(month, 'YYYY_MM'), month::text || '+00', (month + interval '1 month')::text || '+00');
    END LOOP;
END
$$;
CREATE TABLE agent_events_other PARTITION OF agent_events DEFAULT;

-- Null tenant: actions of the system itself.
CREATE TABLE audit_logs (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id uuid REFERENCES tenants (id) ON DELETE CASCADE,
    actor_id uuid REFERENCES users (id) ON DELETE SET NULL,
    action text NOT NULL,
    entity text NOT NULL,
    entity_id text,
    client inet,
    detail jsonb,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX audit_logs_actor_idx ON audit_logs (actor_id);
CREATE INDEX audit_logs_tenant_idx ON audit_logs (tenant_id, created_at);

CREATE SEQUENCE billing.invoice_number_seq START 1000;
CREATE TABLE billing.invoices (
    number bigint PRIMARY KEY DEFAULT nextval('billing.invoice_number_seq'),
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    period daterange NOT NULL,
    net numeric(12, 2) NOT NULL,
    tax numeric(12, 2) NOT NULL DEFAULT 0,
    total numeric(12, 2) GENERATED ALWAYS AS (net + tax) STORED,
    issued_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX invoices_tenant_idx ON billing.invoices (tenant_id);
ALTER SEQUENCE billing.invoice_number_seq OWNED BY billing.invoices.number;

CREATE TABLE billing.invoice_lines (
    invoice_number bigint NOT NULL REFERENCES billing.invoices (number) ON DELETE CASCADE,
    line smallint NOT NULL,
    description text NOT NULL,
    quantity numeric NOT NULL,
    unit_price numeric(12, 4) NOT NULL,
    PRIMARY KEY (invoice_number, line)
);

CREATE VIEW project_overview AS
    SELECT p.id, p.tenant_id, p.name, count(t.id) AS tasks, count(t.id) FILTER (WHERE t.status = 'done') AS done
    FROM projects p LEFT JOIN tasks t ON t.project_id = p.id
    GROUP BY p.id;

CREATE MATERIALIZED VIEW billing.revenue AS
    SELECT tenant_id, count(*) AS invoices, sum(total) AS total
    FROM billing.invoices
    GROUP BY tenant_id;
CREATE UNIQUE INDEX revenue_tenant_idx ON billing.revenue (tenant_id);

-- Triggers

CREATE FUNCTION stamp_updated_at() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END
$$;

CREATE FUNCTION write_audit_log() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    changed jsonb := CASE WHEN TG_OP = 'DELETE' THEN to_jsonb(OLD) ELSE to_jsonb(NEW) END;
BEGIN
    INSERT INTO public.audit_logs (tenant_id, action, entity, entity_id, detail)
    VALUES ((changed ->> 'tenant_id')::uuid, lower(TG_OP), TG_TABLE_NAME, changed ->> 'id', changed - 'search');
    RETURN NULL;
END
$$;

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['tenants', 'users', 'projects', 'tasks', 'comments', 'design_recommendations',
                                'tech_stack_recommendations'] LOOP
        EXECUTE format(
            'CREATE TRIGGER %I BEFORE UPDATE ON %I FOR EACH ROW EXECUTE FUNCTION stamp_updated_at()',
            name || '_updated_at', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['users', 'projects', 'tasks'] LOOP
        EXECUTE format(
            'CREATE TRIGGER %I AFTER INSERT OR UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION write_audit_log()',
            name || '_audit', name);
    END LOOP;
END
$$;

-- Row-level security and grants

DO $$
DECLARE
    name regclass;
BEGIN
    FOREACH name IN ARRAY ARRAY['feature_overrides', 'users', 'projects', 'project_members', 'tasks', 'design_recommendations',
                                'tech_stack_recommendations', 'agent_events', 'audit_logs', 'billing.invoices']::regclass[] LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format(
            'CREATE POLICY tenant_isolation ON %s '
                || 'USING (tenant_id = NULLIF(current_setting(''app.current_tenant_id'', true), '''')::uuid)',
            name);
    END LOOP;
END
$$;

ALTER TABLE tenants ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON tenants USING (id = current_tenant_id());
ALTER TABLE comments ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON comments USING (EXISTS (SELECT FROM tasks t WHERE t.id = comments.task_id));
ALTER TABLE attachments ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON attachments USING (EXISTS (SELECT FROM comments c WHERE c.id = attachments.comment_id));
ALTER TABLE billing.invoice_lines ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON billing.invoice_lines
    USING (EXISTS (SELECT FROM billing.invoices i WHERE i.number = invoice_lines.invoice_number));

-- Not on partitions: a policy of the partitioned table does not apply to a query that names the partition.
GRANT USAGE ON SCHEMA billing TO application_role;
GRANT SELECT ON plans, feature_flags, tenants, billing.invoices, billing.invoice_lines TO application_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON feature_overrides, users, projects, project_members, tasks, comments, attachments,
    design_recommendations, tech_stack_recommendations, agent_events TO application_role;
GRANT SELECT, INSERT ON audit_logs TO application_role;
GRANT USAGE ON SEQUENCE attachments_id_seq TO application_role;

COMMENT ON TABLE tenants IS 'Root of all tenant data; settings.isolation tells where an isolated tenant lives.';
COMMENT ON COLUMN audit_logs.tenant_id IS 'Null: done by the system, not for a tenant.';

INSERT INTO schema_migrations (version, applied_at) VALUES
    ('001_tenants', '2025-05-02 09:00:00+00'), ('002_projects', '2025-05-19 14:30:00+00'), ('003_agent_events', '2025-06-27 08:15:00+00');
INSERT INTO plans VALUES
    ('free', 'Free', 0.00, '{"projects": 3, "agents": 1}'),
    ('team', 'Team', 49.00, '{"projects": 50, "agents": 5}'),
    ('enterprise', 'Enterprise', 990.00, '{"projects": null, "agents": 100, "isolation": true}');
INSERT INTO feature_flags VALUES
    ('agent-handoff', 'Agents hand work to one another', '{team,enterprise}'),
    ('design-review', 'A second model reviews each design', '{enterprise}'),
    ('sso', 'Single sign-on', '{enterprise}');
