CREATE TABLE projects (
    id int PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants, slug text NOT NULL UNIQUE, name text,
    document text);
ALTER TABLE projects ALTER document SET STORAGE EXTERNAL;
CREATE TABLE tasks (
    id int PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants,
    project_id int NOT NULL REFERENCES projects ON UPDATE CASCADE,
    parent_id int REFERENCES tasks ON UPDATE CASCADE, title text, body text);
ALTER TABLE tasks ALTER body SET STORAGE EXTERNAL;
CREATE TABLE comments (
    id int PRIMARY KEY, task_id int NOT NULL REFERENCES tasks ON UPDATE CASCADE ON DELETE CASCADE, body text,
    picture text);
ALTER TABLE comments ALTER picture SET STORAGE EXTERNAL;
CREATE TABLE reactions (
    id uuid PRIMARY KEY, comment_id int NOT NULL REFERENCES comments ON UPDATE CASCADE ON DELETE CASCADE,
    kind text);
CREATE TABLE badges (id int PRIMARY KEY, tenant_id bigint NOT NULL, label text, picture text);
ALTER TABLE badges ALTER picture SET STORAGE EXTERNAL;
ALTER TABLE badges REPLICA IDENTITY FULL;
CREATE TABLE events (
    id int NOT NULL, tenant_id bigint NOT NULL, at date NOT NULL, body text, PRIMARY KEY (id, at)
) PARTITION BY RANGE (at);
CREATE TABLE events_2024 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE events_later PARTITION OF events DEFAULT;
CREATE TABLE notes (tenant_id bigint NOT NULL, body text);
