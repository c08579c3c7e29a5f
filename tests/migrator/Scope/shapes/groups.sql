-- Code hosting: tenants are trees of teams; groups in groups, projects in groups, notes on anything,
-- cycles between tables, a deferrable reference.
---- tenancy
{
  "tenants": { "subtree": "parent_id" },
  "tenant_columns": ["root_id"],
  "tables": {
    "public.members": { "belongs_to": "public.groups" },
    "public.accounts": {
      "shared_through": ["public.members.account_id", "public.issues.author_id", "public.notes.author_id"],
      "blank": ["home_group_id"]
    },
    "public.notes": {
      "by_type": { "type": "noteable_type", "id": "noteable_id", "to": { "Issue": "public.issues",
    "Merge": "public.merges" } }
    },
    "public.events": {
      "any_of": [{ "belongs_to": "public.projects" }, { "belongs_to": "public.groups" }]
    },
    "public.topics": "reference",
    "public.tokens": "ignored"
  }
}
---- schema
ALTER TABLE tenants ADD parent_id bigint REFERENCES tenants;
INSERT INTO tenants (id, slug, parent_id) VALUES (11, 'team-11', 1), (12, 'team-12', 11), (21, 'team-21', 2);
CREATE TABLE topics (id int PRIMARY KEY, name text);
CREATE TABLE accounts (id bigint PRIMARY KEY, email text, home_group_id bigint);
CREATE TABLE tokens (id bigint PRIMARY KEY, account_id bigint NOT NULL REFERENCES accounts, digest text);
CREATE TABLE groups (id bigint PRIMARY KEY, root_id bigint NOT NULL REFERENCES tenants, parent_id bigint
    REFERENCES groups, path text);
CREATE TABLE members (group_id bigint NOT NULL REFERENCES groups ON DELETE CASCADE,
    account_id bigint NOT NULL REFERENCES accounts,
    level int, PRIMARY KEY (group_id, account_id));
CREATE TABLE projects (id bigint PRIMARY KEY, group_id bigint NOT NULL REFERENCES groups, topic_id int
    REFERENCES topics, pinned_id bigint);
CREATE TABLE issues (id bigint PRIMARY KEY, project_id bigint NOT NULL REFERENCES projects ON DELETE CASCADE,
    author_id bigint REFERENCES accounts, title text);
ALTER TABLE projects ADD FOREIGN KEY (pinned_id) REFERENCES issues ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED;
CREATE TABLE merges (id bigint PRIMARY KEY, project_id bigint NOT NULL REFERENCES projects
    DEFERRABLE INITIALLY DEFERRED, title text);
CREATE TABLE notes (id bigint PRIMARY KEY, noteable_type text NOT NULL, noteable_id bigint NOT NULL,
    author_id bigint REFERENCES accounts, body text, reply_to bigint REFERENCES notes);
CREATE TABLE labels (id bigint PRIMARY KEY, group_id bigint NOT NULL REFERENCES groups, name text);
CREATE TABLE issue_labels (issue_id bigint REFERENCES issues ON DELETE CASCADE, label_id bigint REFERENCES labels,
    PRIMARY KEY (issue_id, label_id));
CREATE TABLE events (id bigint PRIMARY KEY, project_id bigint REFERENCES projects, group_id bigint REFERENCES groups,
    what text);
CREATE INDEX ON notes (noteable_id); CREATE INDEX ON issues (author_id); CREATE INDEX ON notes (author_id);
INSERT INTO topics VALUES (1, 'x'), (2, 'y');
INSERT INTO accounts SELECT n, 'a' || n, 1 FROM generate_series(1, 12) n;
INSERT INTO tokens SELECT id, id, 'd' FROM accounts;
INSERT INTO groups SELECT n, (CASE n % 2 WHEN 1 THEN ARRAY[2, 21, 21] ELSE ARRAY[1, 11, 12] END)[1 + n / 5],
    CASE WHEN n > 2 THEN n - 2 END, 'g' FROM generate_series(1, 12) n;
INSERT INTO members SELECT n, n, 30 FROM generate_series(1, 12) n; INSERT INTO members VALUES (2, 3, 10);
INSERT INTO projects SELECT n, n, 1 FROM generate_series(1, 12) n;
INSERT INTO issues SELECT n, 1 + n % 12, 1 + n % 12, 't' FROM generate_series(1, 48) n;
UPDATE projects SET pinned_id = (SELECT min(i.id) FROM issues i WHERE i.project_id = projects.id);
INSERT INTO merges SELECT n, 1 + n % 12, 't' FROM generate_series(1, 24) n;
INSERT INTO notes SELECT n, 'Issue', n, 1 + n % 12, 'n', NULL FROM generate_series(1, 48) n;
INSERT INTO notes SELECT 100 + n, 'Merge', n, NULL, 'n', NULL FROM generate_series(1, 24) n;
INSERT INTO notes SELECT 200 + n, 'Issue', n, NULL, 'reply', n FROM generate_series(1, 24) n;
INSERT INTO labels SELECT n, n, 'l' FROM generate_series(1, 12) n;
INSERT INTO issue_labels SELECT n, 1 + n % 12 FROM generate_series(1, 48) n;
INSERT INTO events SELECT n, CASE n % 2 WHEN 0 THEN 1 + n % 12 END, CASE n % 2 WHEN 1 THEN 1 + n % 12 END, 'e'
    FROM generate_series(1, 48) n;
---- mine
groups | root_id IN (1, 11, 12, 13)
members | group_id IN (SELECT id FROM groups WHERE root_id IN (1, 11, 12, 13))
projects | group_id IN (SELECT id FROM groups WHERE root_id IN (1, 11, 12, 13))
issues | project_id IN (SELECT p.id FROM projects p JOIN groups g ON g.id = p.group_id AND g.root_id IN (1, 11, 12, 13))
merges | project_id IN (SELECT p.id FROM projects p JOIN groups g ON g.id = p.group_id AND g.root_id IN (1, 11, 12, 13))
notes | (noteable_type = 'Issue' AND noteable_id IN (SELECT i.id FROM issues i
    JOIN projects p ON p.id = i.project_id JOIN groups g ON g.id = p.group_id AND g.root_id IN (1, 11, 12, 13)))
    OR (noteable_type = 'Merge' AND noteable_id IN (SELECT i.id FROM merges i
    JOIN projects p ON p.id = i.project_id JOIN groups g ON g.id = p.group_id AND g.root_id IN (1, 11, 12, 13)))
labels | group_id IN (SELECT id FROM groups WHERE root_id IN (1, 11, 12, 13))
issue_labels | label_id IN (SELECT l.id FROM labels l
    JOIN groups g ON g.id = l.group_id AND g.root_id IN (1, 11, 12, 13))
events | group_id IN (SELECT id FROM groups WHERE root_id IN (1, 11, 12, 13)) 
    OR project_id IN (SELECT p.id FROM projects p JOIN groups g ON g.id = p.group_id AND g.root_id IN (1, 11, 12, 13))
---- meanwhile
INSERT INTO tenants (id, slug, parent_id) VALUES (13, 'team-13', 11); UPDATE tenants SET parent_id = 1 WHERE id = 12;
INSERT INTO groups VALUES (20, 13, 2, 'new'), (21, 2, 1, 'new'); INSERT INTO projects VALUES (20, 20, 1), (21, 21, 2);
BEGIN; INSERT INTO merges VALUES (100, 22, 'early'); INSERT INTO projects VALUES (22, 20, 1); COMMIT;
INSERT INTO issues VALUES (100, 20, 2, 'new'), (101, 21, 1, 'new'); UPDATE projects SET pinned_id = 100 WHERE id = 20;
INSERT INTO notes VALUES (500, 'Merge', 100, 2, 'new'), (501, 'Issue', 100, NULL, 'new'), (502, 'Issue', 101, NULL,
    'new');
UPDATE notes SET body = 'changed' WHERE id < 6;
DELETE FROM notes WHERE id IN (207, 208);
UPDATE groups SET parent_id = 2 WHERE id = 12;
UPDATE projects SET group_id = 10 WHERE id = 12; UPDATE groups SET root_id = 11 WHERE id = 2;
INSERT INTO members VALUES (20, 12, 10); UPDATE events SET group_id = 4 WHERE id = 5;
---- there
UPDATE issues SET title = 'there' WHERE id % 5 = 0; DELETE FROM notes WHERE id BETWEEN 210 AND 220;
INSERT INTO groups VALUES (300, 12, 2, 'there'); INSERT INTO projects VALUES (300, 300, 2);
INSERT INTO issues VALUES (300, 300, 2, 'there'); INSERT INTO notes VALUES (600, 'Issue', 300, NULL, 'there');
INSERT INTO events VALUES (300, 300, NULL, 'there');
