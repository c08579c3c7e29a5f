namespace Migrator.Tests.Online.Stress;

/// <summary>Notes: rows without a key, some of them twice.</summary>
sealed class NoteWrites(WriterSession session) : TableWrites(session, "notes")
{
    public override Task ChangeAsync(int tenant)
    {
        var token = $"w{Session.Number}-{Random.Next(10)}";
        var rows = Mine.Of("notes").Where(row => row.Extra == token).ToArray();
        if (rows.Length == 0)
            return RowsAsync(
                2,
                "INSERT INTO notes AS t SELECT @tenant, @token, @text FROM generate_series(1, 2)",
                Values(tenant, token)
            );
        if (rows[0].Tenant != tenant)
            return Task.CompletedTask;
        return Random.Next(3) > 0
            ? RowsAsync(
                rows.Length,
                "UPDATE notes AS t SET body = @text WHERE tenant_id = @tenant AND token = @token",
                Values(tenant, token)
            )
            : RowsAsync(
                rows.Length,
                "DELETE FROM notes AS t WHERE tenant_id = @tenant AND token = @token",
                new { tenant, token }
            );
    }

    object Values(int tenant, string token) =>
        new
        {
            tenant,
            token,
            text = NewText(),
        };
}
