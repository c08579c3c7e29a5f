INSERT INTO countries VALUES ('CL'), ('NO');
INSERT INTO tenants (id, slug) VALUES
    ('aaaaaaaa-0000-4000-8000-00000000000a', @slug), ('bbbbbbbb-0000-4000-8000-00000000000b', @slug || '-b'),
        ('cccccccc-0000-4000-8000-00000000000c', @slug || '-c');
INSERT INTO projects (tenant_id, name, country)
    SELECT id, 'Project ' || n, CASE n % 3 WHEN 0 THEN 'CL' WHEN 1 THEN 'NO' END
    FROM tenants, generate_series(1, 10) n ORDER BY n;
INSERT INTO tasks (tenant_id, project_id, title)
    SELECT t.id, (SELECT min(p.id) FROM projects p WHERE p.tenant_id = t.id AND p.id > n % 27), 'Task ' || n
    FROM tenants t, generate_series(1, @tasks) n WHERE t.id = 'aaaaaaaa-0000-4000-8000-00000000000a' OR n % 10 = 0 ORDER BY n;
UPDATE tasks t SET parent_id = (SELECT max(p.id) FROM tasks p WHERE p.tenant_id = t.tenant_id AND p.id < t.id)
    WHERE id % 4 = 0;
INSERT INTO comments (task_id, body) SELECT id, repeat('words ', 20) || n FROM tasks, generate_series(1, 3) n;
INSERT INTO events (tenant_id, at, body) SELECT t.id, date '2024-01-01' + n % 700, 'Event ' || n
    FROM tenants t, generate_series(1, @tasks) n;
INSERT INTO notes SELECT id, 'Note ' || n % 20 FROM tenants, generate_series(1, 60) n;
TRUNCATE history;
INSERT INTO history (tenant_id, what) SELECT id, 'imported' FROM tenants;
REFRESH MATERIALIZED VIEW task_counts;
ANALYZE;
