namespace Migrator.Demo;

/// <summary>The rows of the sample database as the ledger reads them.</summary>
static class LedgerRows
{
    /// <summary>The application's rows, and the rows of its triggers.</summary>
    public const string Written = """
        SELECT tenant_id::text AS tenant, 'tasks' AS "table", id::text AS key, title AS content
        FROM tasks WHERE title LIKE @Like
        UNION ALL
        SELECT t.tenant_id::text, 'comments', c.id::text, c.body
        FROM comments c JOIN tasks t ON t.id = c.task_id WHERE c.body LIKE @Like
        UNION ALL
        SELECT t.tenant_id::text, 'attachments', a.id::text, a.file_name
        FROM attachments a JOIN comments c ON c.id = a.comment_id JOIN tasks t ON t.id = c.task_id
        WHERE a.file_name LIKE @Like
        UNION ALL
        SELECT tenant_id::text, 'agent_events', id::text, payload ->> 'text'
        FROM agent_events WHERE payload ->> 'text' LIKE @Like
        UNION ALL
        SELECT tenant_id::text, 'audit_logs', action || ' ' || (detail ->> 'title'), ''
        FROM audit_logs WHERE detail ->> 'title' LIKE @Like
        """;

    /// <summary>
    /// All other rows: count and digest per table and tenant. A flip changes mode and settings of the tenant's row.
    /// </summary>
    public const string Untouched = """
        WITH rows AS (
            SELECT 'tenants' AS "table", id AS tenant, hashtextextended(
                (id, slug, name, plan, status, settings - 'isolation', created_at, updated_at)::text, 0) AS hash
            FROM tenants
            UNION ALL SELECT 'users', tenant_id, hashtextextended(u::text, 0) FROM users u
            UNION ALL SELECT 'projects', tenant_id, hashtextextended(p::text, 0) FROM projects p
            UNION ALL SELECT 'project_members', tenant_id, hashtextextended(m::text, 0) FROM project_members m
            UNION ALL SELECT 'feature_overrides', tenant_id, hashtextextended(o::text, 0) FROM feature_overrides o
            UNION ALL SELECT 'tasks', tenant_id, hashtextextended(t::text, 0) FROM tasks t WHERE title NOT LIKE @Like
            UNION ALL SELECT 'comments', t.tenant_id, hashtextextended(c::text, 0)
            FROM comments c JOIN tasks t ON t.id = c.task_id WHERE c.body NOT LIKE @Like
            UNION ALL
            SELECT 'attachments', t.tenant_id, hashtextextended(a::text, 0)
            FROM attachments a JOIN comments c ON c.id = a.comment_id JOIN tasks t ON t.id = c.task_id
            WHERE a.file_name NOT LIKE @Like
            UNION ALL SELECT 'design_recommendations', tenant_id, hashtextextended(d::text, 0)
            FROM design_recommendations d
            UNION ALL SELECT 'tech_stack_recommendations', tenant_id, hashtextextended(s::text, 0)
            FROM tech_stack_recommendations s
            UNION ALL SELECT 'agent_events', tenant_id, hashtextextended(e::text, 0)
            FROM agent_events e WHERE payload ->> 'text' NOT LIKE @Like
            UNION ALL SELECT 'audit_logs', tenant_id, hashtextextended(l::text, 0)
            FROM audit_logs l WHERE detail ->> 'title' IS NULL OR detail ->> 'title' NOT LIKE @Like
            UNION ALL SELECT 'billing.invoices', tenant_id, hashtextextended(i::text, 0) FROM billing.invoices i
            UNION ALL SELECT 'billing.invoice_lines', i.tenant_id, hashtextextended(l::text, 0)
            FROM billing.invoice_lines l JOIN billing.invoices i ON i.number = l.invoice_number
        )
        SELECT coalesce(tenant::text, '') AS tenant, "table", count(*) || ' rows, digest ' || sum(hash) AS content
        FROM rows GROUP BY 1, 2
        """;
}
