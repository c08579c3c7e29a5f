namespace Migrator.Tests.Online.Stress;

/// <summary>Events: rows that change from one partition to another.</summary>
sealed class EventWrites(WriterSession session) : TableWrites(session, "events")
{
    public override Task ChangeAsync(int tenant)
    {
        var id = Session.KeyIn("events", tenant);
        var at = new DateOnly(2024, 1, 1).AddDays(Random.Next(1_200)).ToString("yyyy-MM-dd");
        return Mine.Find("events", $"{id}") switch
        {
            null => InsertAsync(tenant, id, at),
            var row when row.Tenant != tenant => Task.CompletedTask,
            // Often into another partition.
            var row when Random.Next(4) is > 0 and var how => ChangeAsync(row, id, how > 1 ? at : row.Extra),
            var row => OneAsync("DELETE FROM events AS t WHERE id = @id AND at = @Extra::date", new { id, row.Extra }),
        };
    }

    Task InsertAsync(int tenant, Guid id, string at) =>
        OneAsync(
            "INSERT INTO events AS t VALUES (@id, @tenant, @at::date, @text)",
            new
            {
                id,
                tenant,
                at,
                text = NewText(),
            }
        );

    Task ChangeAsync(HeldRow row, Guid id, string? at) =>
        OneAsync(
            "UPDATE events AS t SET at = @at::date, body = @text WHERE id = @id AND at = @Extra::date",
            new
            {
                id,
                row.Extra,
                at,
                text = NewText(),
            }
        );
}
