namespace Migrator.Tests.Online.Stress;

/// <summary>Counters: keys of two columns, which are deleted, taken again and changed.</summary>
sealed class CounterWrites(WriterSession session) : TableWrites(session, "counters")
{
    public override Task ChangeAsync(int tenant)
    {
        var n = AnyNumber();
        var counter = Mine.Find("counters", $"{n}");
        return counter switch
        {
            null => OneAsync("INSERT INTO counters AS t VALUES (@tenant, @n, @value)", Values(tenant, n)),
            _ when counter.Tenant != tenant => Task.CompletedTask,
            _ when Random.Next(3) > 0 => OneAsync(
                "UPDATE counters AS t SET value = @value WHERE tenant_id = @tenant AND n = @n",
                Values(tenant, n)
            ),
            _ when Random.Next(2) == 0 => OneAsync(
                "DELETE FROM counters AS t WHERE tenant_id = @tenant AND n = @n",
                new { tenant, n }
            ),
            _ when AnyNumber() is var free && Mine.Find("counters", $"{free}") is null => RekeyAsync(counter, n, free),
            _ => Task.CompletedTask,
        };
    }

    Task RekeyAsync(HeldRow counter, int n, int free)
    {
        Mine.Forget(counter);
        return OneAsync(
            "UPDATE counters AS t SET n = @free, value = @value WHERE tenant_id = @tenant AND n = @n",
            new
            {
                tenant = counter.Tenant,
                n,
                free,
                value = Session.NewNumber(),
            }
        );
    }

    object Values(int tenant, int n) =>
        new
        {
            tenant,
            n,
            value = Session.NewNumber(),
        };

    int AnyNumber() => Session.Number * 1_000 + Random.Next(12);
}
