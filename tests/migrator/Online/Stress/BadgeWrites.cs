namespace Migrator.Tests.Online.Stress;

/// <summary>Badges: a table with replica identity full and large values that most changes leave as they are.</summary>
sealed class BadgeWrites(WriterSession session) : TableWrites(session, "badges")
{
    public override Task ChangeAsync(int tenant)
    {
        var id = Session.KeyIn("badges", tenant);
        if (Mine.Find("badges", $"{id}") is not { } row)
            return InsertAsync(tenant, id);
        if (row.Tenant != tenant)
            return Task.CompletedTask;
        return Random.Next(6) switch
        {
            < 3 => OneAsync("UPDATE badges AS t SET label = @text WHERE id = @id", new { id, text = NewText() }),
            3 => OneAsync(
                "UPDATE badges AS t SET picture = @picture WHERE id = @id",
                new { id, picture = Session.Large() }
            ),
            4 when Session.FreeKey("badges") is { } free => RekeyAsync(row, id, free),
            _ => OneAsync("DELETE FROM badges AS t WHERE id = @id", new { id }),
        };
    }

    Task InsertAsync(int tenant, Guid id) =>
        OneAsync(
            "INSERT INTO badges AS t VALUES (@id, @tenant, @text, @picture)",
            new
            {
                id,
                tenant,
                text = NewText(),
                picture = Session.Large(),
            }
        );

    // The large value stays what it was.
    Task RekeyAsync(HeldRow row, Guid id, Guid free)
    {
        Mine.Forget(row);
        return OneAsync("UPDATE badges AS t SET id = @free WHERE id = @id", new { id, free });
    }
}
