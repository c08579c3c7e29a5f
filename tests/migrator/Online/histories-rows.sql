INSERT INTO projects SELECT t.id * 10 + n, t.id, 'p' || t.id || '-' || n, 'Project', repeat(md5(n::text), 100)
    FROM tenants t, generate_series(1, 2) n;
INSERT INTO tasks SELECT p.id * 10 + n, p.tenant_id, p.id, NULL, 'Task ' || n,
    CASE n WHEN 1 THEN repeat(md5(p.id::text), 100) END FROM projects p, generate_series(1, 3) n;
INSERT INTO comments SELECT t.id * 10 + n, t.id, 'Comment', CASE n WHEN 1 THEN repeat(md5(t.id::text), 100) END
    FROM tasks t, generate_series(1, 2) n;
INSERT INTO reactions SELECT md5(id::text)::uuid, id, 'like' FROM comments;
INSERT INTO badges SELECT t.id * 10 + n, t.id, 'Badge', repeat(md5(n::text), 100)
    FROM tenants t, generate_series(1, 2) n;
INSERT INTO events SELECT t.id * 10 + n, t.id, date '2024-01-01' + n * 200, 'Event'
    FROM tenants t, generate_series(1, 3) n;
INSERT INTO notes SELECT t.id, 'Note' FROM tenants t, generate_series(1, 2) n;
