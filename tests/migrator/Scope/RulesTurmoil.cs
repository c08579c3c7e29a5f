namespace Migrator.Tests.Scope;

/// <summary>The database of <see cref="RulesTurmoilTests"/>, and what sessions do in it.</summary>
static class RulesTurmoil
{
    public const string Tenancy = """
        { "tables": {
            "public.users": { "shared_through": ["public.memberships.user_id", "public.tasks.assignee_id"] },
            "public.tasks": { "belongs_to": "public.projects", "by": { "project_id": "id" } },
            "public.document_data": { "named_by": ["public.documents.data_id", "public.documents.preview_id"] },
            "public.keys": { "any_of": [
                { "belongs_to": "public.projects", "by": { "project_id": "id" } }, { "tenant": "org_id" }] },
            "public.comments": { "by_type": { "type": "subject_type", "id": "subject_id", "to": {
                "Project": "public.projects", "Document": "public.documents", "Announcement": "public.announcements" } } },
            "public.notes": { "tenant": "tenant_id", "null": "global" },
            "public.jobs": { "where": "(payload ->> 'account')::bigint = :tenant" },
            "public.events": { "where": "EXISTS (SELECT FROM public.projects p WHERE p.id::text = split_part(subject, '/', 2))" },
            "public.announcements": "ignored"
        } }
        """;

    public const string Schema = """
        CREATE TABLE users (id int PRIMARY KEY, email text NOT NULL UNIQUE);
        CREATE TABLE memberships (id int PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants,
            user_id int NOT NULL REFERENCES users);
        CREATE TABLE projects (id int PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants, v text);
        CREATE TABLE tasks (id int PRIMARY KEY, project_id int NOT NULL, assignee_id int, v text);
        CREATE TABLE document_data (id int PRIMARY KEY, v text);
        CREATE TABLE documents (id int PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants,
            data_id int UNIQUE REFERENCES document_data, preview_id int UNIQUE);
        CREATE TABLE keys (id int PRIMARY KEY, project_id int, org_id bigint, v text);
        CREATE TABLE announcements (id int PRIMARY KEY);
        CREATE TABLE comments (id int PRIMARY KEY, subject_type text NOT NULL, subject_id int NOT NULL, v text);
        CREATE TABLE notes (id int PRIMARY KEY, tenant_id bigint REFERENCES tenants, v text);
        CREATE TABLE lines (id int PRIMARY KEY, note_id int NOT NULL REFERENCES notes, v text);
        CREATE TABLE jobs (id int PRIMARY KEY, payload jsonb);
        CREATE TABLE steps (id int PRIMARY KEY, job_id int NOT NULL REFERENCES jobs ON DELETE CASCADE, v text);
        CREATE TABLE events (id int PRIMARY KEY, subject text, v text);
        CREATE INDEX ON tasks (project_id); CREATE INDEX ON keys (project_id); CREATE INDEX ON comments (subject_id);
        INSERT INTO users SELECT n, 'u' || n FROM generate_series(1, 100) n;
        INSERT INTO memberships SELECT n, CASE WHEN n % 5 = 0 THEN 2 ELSE n % 2 + 1 END, n FROM generate_series(1, 60) n;
        INSERT INTO projects SELECT n, n % 2 + 1, 'p' FROM generate_series(1, 40) n;
        INSERT INTO tasks SELECT n, n % 45 + 1, nullif(n % 5, 0), 't' FROM generate_series(1, 200) n;
        INSERT INTO document_data SELECT n, 'd' FROM generate_series(1, 60) n;
        INSERT INTO documents SELECT n, n % 2 + 1, n, CASE WHEN n % 3 = 1 THEN n END FROM generate_series(1, 40) n;
        INSERT INTO keys SELECT n, CASE WHEN n % 3 > 0 THEN n % 40 + 1 END, CASE WHEN n % 3 < 2 THEN (n % 40 + 1) % 2 + 1 END, 'k'
            FROM generate_series(1, 90) n;
        INSERT INTO announcements SELECT n FROM generate_series(1, 10) n;
        INSERT INTO comments SELECT n, (ARRAY['Project', 'Document', 'Announcement'])[n % 3 + 1], n % 43 + 1, 'c'
            FROM generate_series(1, 120) n;
        INSERT INTO notes SELECT n, nullif(n % 3, 0), 'n' FROM generate_series(1, 60) n;
        INSERT INTO lines SELECT n, n % 60 + 1, 'l' FROM generate_series(1, 120) n;
        INSERT INTO jobs SELECT n, CASE WHEN n % 4 < 3 THEN jsonb_build_object('account', n % 4) END FROM generate_series(1, 60) n;
        INSERT INTO steps SELECT n, n % 60 + 1, 's' FROM generate_series(1, 120) n;
        INSERT INTO events SELECT n, 'project/' || n % 45 + 1, 'e' FROM generate_series(1, 100) n;
        """;

    // One after the other: what such a statement looks for, another one may be about to write.
    const string Alone = "SELECT pg_advisory_xact_lock(718);";

    const string Named =
        "EXISTS (SELECT FROM documents WHERE data_id = d.id) OR EXISTS (SELECT FROM documents WHERE preview_id = d.id)";

    // A key of a project and of an organization is of one tenant.
    const string SameOwner = """
        UPDATE keys k SET org_id = p.tenant_id FROM projects p
        WHERE p.id = k.project_id AND k.org_id IS NOT NULL AND k.org_id <> p.tenant_id
        """;

    /// <summary>Two tenants, and rows that change hands or are nobody's for a while.</summary>
    public static string InShared(Random random, int fresh) => Statement(random, fresh, mayLeave: true);

    /// <summary>One tenant, whose rows all stay the tenant's.</summary>
    public static string InIsolated(Random random, int fresh) => Statement(random, fresh, mayLeave: false);

    static string Statement(Random random, int fresh, bool mayLeave)
    {
        var tenant = mayLeave ? random.Next(1, 3) : 1;
        return random.Next(9) switch
        {
            8 => OfEvents(random, fresh, mayLeave),
            0 => OfProjects(random, fresh, tenant, mayLeave),
            1 => OfTasks(random, fresh, mayLeave),
            2 => OfDocuments(random, fresh, tenant, mayLeave),
            3 => OfKeys(random, fresh, tenant),
            4 => OfComments(random, fresh, mayLeave),
            5 => OfNotes(random, fresh, tenant, mayLeave),
            6 => OfJobs(random, fresh, tenant, mayLeave),
            _ => OfUsers(random, fresh, tenant, mayLeave),
        };
    }

    static string OfProjects(Random random, int fresh, int tenant, bool mayLeave) =>
        (random.Next(5), mayLeave) switch
        {
            (0, _) => $"{Alone} INSERT INTO tasks VALUES ({fresh}, {fresh}, NULL, 'before'); "
                + $"INSERT INTO projects VALUES ({fresh}, {tenant}, 'new'); INSERT INTO keys VALUES ({fresh}, {fresh}, NULL, 'new')",
            (1, true) =>
                $"{Alone} UPDATE projects SET tenant_id = 3 - tenant_id WHERE id = {Some("projects")}; {SameOwner}",
            (2, true) => $"DELETE FROM projects WHERE id = {Some("projects")}",
            (3, true) => $"{Alone} INSERT INTO projects SELECT project_id, {tenant}, 'late' FROM tasks t "
                + $"WHERE NOT EXISTS (SELECT FROM projects WHERE id = t.project_id) LIMIT 1; {SameOwner}",
            (1 or 2, false) => $"{Alone} CREATE TEMP TABLE gone ON COMMIT DROP AS SELECT {Some("projects")} AS id; "
                + "DELETE FROM tasks WHERE project_id IN (SELECT id FROM gone); "
                + "DELETE FROM keys WHERE project_id IN (SELECT id FROM gone) AND org_id IS NULL; "
                + "UPDATE keys SET project_id = NULL WHERE project_id IN (SELECT id FROM gone); "
                + "DELETE FROM comments WHERE subject_type = 'Project' AND subject_id IN (SELECT id FROM gone); "
                + "DELETE FROM events WHERE subject IN (SELECT 'project/' || id FROM gone); "
                + "DELETE FROM projects WHERE id IN (SELECT id FROM gone)",
            _ => $"UPDATE projects SET v = '{fresh}' WHERE id = {Some("projects")}",
        };

    static string OfTasks(Random random, int fresh, bool mayLeave) =>
        random.Next(5) switch
        {
            0 => $"{Alone} INSERT INTO tasks SELECT {fresh}, {Some("projects")}, {Some("users", "id % 5 <> 0")}, 'new'",
            1 => $"{Alone} UPDATE tasks SET project_id = {Some("projects")} WHERE id = {Some("tasks")}",
            2 => $"UPDATE tasks SET assignee_id = {Some("users", "id % 5 <> 0")} WHERE id = {Some("tasks")}",
            3 => $"DELETE FROM tasks WHERE id = {Some("tasks")}",
            _ => mayLeave && random.Next(4) == 0
                ? $"UPDATE tasks SET project_id = {fresh} WHERE id = {Some("tasks")}"
                : $"UPDATE tasks SET v = '{fresh}' WHERE id = {Some("tasks")}",
        };

    // A part is named by one document at most. In the isolated database those that nobody names are deleted at once.
    static string OfDocuments(Random random, int fresh, int tenant, bool mayLeave)
    {
        var swept = mayLeave ? "" : $"; DELETE FROM document_data d WHERE NOT ({Named})";
        return random.Next(8) switch
        {
            0 =>
                $"INSERT INTO document_data VALUES ({fresh}, 'new'); INSERT INTO documents VALUES ({fresh}, {tenant}, {fresh}, NULL)",
            1 => $"{Alone} INSERT INTO documents VALUES ({fresh}, {tenant}, NULL, {fresh}); "
                + $"INSERT INTO document_data VALUES ({fresh}, 'late')",
            2 => mayLeave
                ? $"UPDATE documents SET tenant_id = 3 - tenant_id WHERE id = {Some("documents")}"
                : $"UPDATE documents SET preview_id = data_id WHERE id = {Some("documents", "preview_id IS NULL")}",
            3 =>
                $"{Alone} UPDATE documents SET data_id = NULL, preview_id = NULL WHERE id = {Some("documents")}{swept}",
            4 =>
                $"{Alone} UPDATE documents SET data_id = (SELECT id FROM document_data d WHERE NOT ({Named}) ORDER BY random() LIMIT 1) "
                    + $"WHERE id = {Some("documents")}{swept}",
            5 =>
                $"{Alone} UPDATE documents SET preview_id = data_id, data_id = preview_id WHERE id = {Some("documents")}{swept}",
            6 => mayLeave
                ? $"{Alone} DELETE FROM document_data WHERE id = (SELECT id FROM document_data d WHERE NOT ({Named}) LIMIT 1); "
                    + $"INSERT INTO document_data VALUES ({fresh}, 'nobody''s')"
                : $"{Alone} DELETE FROM comments WHERE subject_type = 'Document' AND subject_id = (SELECT min(id) FROM documents); "
                    + $"DELETE FROM documents WHERE id = (SELECT min(id) FROM documents){swept}",
            _ => $"UPDATE document_data SET v = '{fresh}' WHERE id = {Some("document_data")}",
        };
    }

    static string OfKeys(Random random, int fresh, int tenant) =>
        random.Next(5) switch
        {
            0 => $"INSERT INTO keys VALUES ({fresh}, NULL, {tenant}, 'new')",
            1 => $"{Alone} UPDATE keys SET project_id = {Some("projects")}, org_id = NULL WHERE id = {Some("keys")}",
            2 => $"{Alone} UPDATE keys SET project_id = NULL, org_id = {tenant} WHERE id = {Some("keys")}",
            3 =>
                $"{Alone} INSERT INTO keys SELECT {fresh}, id, tenant_id, 'both' FROM projects WHERE id = {Some("projects")}",
            _ => random.Next(2) == 0
                ? $"DELETE FROM keys WHERE id = {Some("keys")}"
                : $"UPDATE keys SET v = '{fresh}' WHERE id = {Some("keys")}",
        };

    static string OfComments(Random random, int fresh, bool mayLeave)
    {
        var (type, subject) = random.Next(mayLeave ? 3 : 2) switch
        {
            0 => ("Project", Some("projects")),
            1 => ("Document", Some("documents")),
            _ => ("Announcement", Some("announcements")),
        };
        return random.Next(5) switch
        {
            0 =>
                $"{Alone} INSERT INTO comments SELECT {fresh}, '{type}', s, 'new' FROM (SELECT {subject} AS s) x WHERE s IS NOT NULL",
            1 or 2 =>
                $"{Alone} UPDATE comments SET subject_type = '{type}', subject_id = coalesce({subject}, subject_id) "
                    + $"WHERE id = {Some("comments")} AND {subject} IS NOT NULL",
            3 => $"DELETE FROM comments WHERE id = {Some("comments")}",
            _ => $"UPDATE comments SET v = '{fresh}' WHERE id = {Some("comments")}",
        };
    }

    static string OfEvents(Random random, int fresh, bool mayLeave) =>
        random.Next(5) switch
        {
            0 => $"{Alone} INSERT INTO events SELECT {fresh}, 'project/' || {Some("projects")}, 'new'",
            1 => $"{Alone} UPDATE events SET subject = 'project/' || {Some("projects")} WHERE id = {Some("events")}",
            2 => $"DELETE FROM events WHERE id = {Some("events")}",
            3 => $"{Alone} INSERT INTO events VALUES ({fresh}, 'project/{fresh}', 'before'); "
                + $"INSERT INTO projects VALUES ({fresh}, 1, 'with an event')",
            _ => mayLeave && random.Next(3) == 0
                ? $"UPDATE events SET subject = 'project/{fresh}' WHERE id = {Some("events")}"
                : $"UPDATE events SET v = '{fresh}' WHERE id = {Some("events")}",
        };

    static string OfNotes(Random random, int fresh, int tenant, bool mayLeave)
    {
        var which = mayLeave ? "true" : "tenant_id = 1";
        var line = Some("lines", mayLeave ? "true" : "note_id IN (SELECT id FROM notes WHERE tenant_id = 1)");
        return random.Next(6) switch
        {
            0 =>
                $"INSERT INTO notes VALUES ({fresh}, {tenant}, 'new'); INSERT INTO lines VALUES ({fresh}, {fresh}, 'new')",
            1 => mayLeave
                ? $"UPDATE notes SET tenant_id = {(random.Next(3) == 0 ? "NULL" : tenant)} WHERE id = {Some("notes")}"
                : $"UPDATE notes SET v = '{fresh}' WHERE id = {Some("notes", which)}",
            2 => $"UPDATE lines SET note_id = {Some("notes", which)} WHERE id = {line}",
            3 => $"INSERT INTO lines SELECT {fresh}, {Some("notes", which)}, 'new'",
            4 => $"UPDATE lines SET v = '{fresh}' WHERE id = {line}",
            _ => $"DELETE FROM lines WHERE id = {line}",
        };
    }

    static string OfJobs(Random random, int fresh, int tenant, bool mayLeave) =>
        random.Next(6) switch
        {
            0 => $$"""INSERT INTO jobs VALUES ({{fresh}}, '{"account": {{tenant}}}'); """
                + $"INSERT INTO steps VALUES ({fresh}, {fresh}, 'new')",
            1 or 2 => mayLeave && random.Next(3) == 0
                ? $"UPDATE jobs SET payload = NULL WHERE id = {Some("jobs")}"
                : $$"""UPDATE jobs SET payload = '{"account": {{tenant}}, "n": {{fresh}}}' WHERE id = {{Some("jobs")}}""",
            3 => $"UPDATE steps SET job_id = {Some("jobs")} WHERE id = {Some("steps")}",
            4 => $"DELETE FROM jobs WHERE id = {Some("jobs")}",
            _ => $"UPDATE steps SET v = '{fresh}' WHERE id = {Some("steps")}",
        };

    static string OfUsers(Random random, int fresh, int tenant, bool mayLeave)
    {
        var number = fresh / 35 * 35 + 1;
        return random.Next(6) switch
        {
            0 =>
                $"INSERT INTO users VALUES ({number}, 'u{number}'); INSERT INTO memberships VALUES ({fresh}, {tenant}, {number})",
            1 => mayLeave
                ? $"UPDATE memberships SET tenant_id = 3 - tenant_id WHERE id = {Some("memberships", "user_id % 5 <> 0")}"
                : $"DELETE FROM memberships WHERE id = {Some("memberships")}",
            2 => $"DELETE FROM memberships WHERE id = {Some("memberships")}",
            3 => $"INSERT INTO memberships SELECT {fresh}, {tenant}, {Some("users", "id % 5 <> 0")}",
            4 => $"UPDATE users SET email = 'x{fresh}' WHERE id = {Some("users", "id % 7 <> 0")}",
            _ => $"UPDATE users SET email = 'x{fresh}' WHERE id = {Some("users", "id % 7 = 0")}; "
                + $"INSERT INTO projects VALUES ({fresh}, 1, 'with a user')",
        };
    }

    static string Some(string table, string which = "true") =>
        $"(SELECT id FROM {table} WHERE {which} ORDER BY random() LIMIT 1)";
}
