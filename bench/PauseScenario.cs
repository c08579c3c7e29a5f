using Dapper;
using Migrator.Demo;
using Migrator.Model;
using Npgsql;
using Spectre.Console;

namespace Bench;

/// <summary>
/// How long a busy tenant waits at a cutover: there and back by turns, as the application sees it and as the migrator
/// does.
/// </summary>
sealed class PauseScenario(BenchmarkServers servers, Summary summary)
{
    const int Attempts = 5;
    const int Keyless = 100_000;

    readonly ApplicationLoad load = new(Writers: 8, Rate: 500, OtherTenants: 0);

    readonly int turns = servers.IsThorough ? 20 : 3;

    public async Task RunAsync()
    {
        var database = await servers.ModerateAsync("pause");
        await AddKeylessAsync(database);
        using var move = new Move(servers, database);
        var (ledger, application) = await servers.StartAsync(database, load);
        var (there, back) = (new List<Cutover>(), new List<Cutover>());
        var began = ledger.Clock.GetTimestamp();
        await using (application)
        {
            await MoveByTurnsAsync(ledger, move, database, there, back);
            await application.StopAsync();
        }
        var ended = ledger.Clock.GetTimestamp();
        if (there.Count > back.Count)
            await move.RollBackAsync();
        var proof = await ledger.CheckAsync(null, CancellationToken.None);
        await move.RollBackAsync(dropIsolated: true);

        var rate = ledger.Writes(ofMoving: true, began, ended) / ledger.Clock.GetElapsedTime(began, ended).TotalSeconds;
        Show(rate, there, back);
        if (proof.Faults.Count > 0)
            throw new InvalidOperationException(string.Join('\n', proof.Faults));
    }

    async Task MoveByTurnsAsync(Ledger ledger, Move move, string database, List<Cutover> there, List<Cutover> back)
    {
        try
        {
            for (var turn = 0; turn < turns; turn++)
            {
                there.Add(await CutOverAsync(ledger, BenchmarkServers.Slug.DatabaseName, move.PromoteAsync));
                back.Add(await CutOverAsync(ledger, database, () => move.RollBackAsync()));
            }
        }
        catch (MigratorException failure)
        {
            // What was measured until then is worth a table, and that it went no further is a result as well.
            var done = there.Count + back.Count;
            AnsiConsole.MarkupLineInterpolated(
                $"[red]Given up after {done} of {2 * turns} cutovers and {Attempts} attempts at the next:\n{failure.Message}[/]"
            );
        }
    }

    void Show(double rate, List<Cutover> there, List<Cutover> back)
    {
        var table = new Table()
            .AddColumns(
                $"milliseconds, with {rate:N0} writes/s of {load.Rate}",
                "cutovers",
                "p50",
                "p95",
                "longest",
                "failed",
                "retries"
            )
            .RoundedBorder();
        foreach (var (verb, cutovers, wanted) in new[] { ("promotion", there, 250), ("rollback", back, 400) })
        {
            Add(table, $"{verb}, as the application sees it", cutovers, cutover => cutover.Seen);
            Add(table, $"{verb}, by the migrator", cutovers, cutover => cutover.Own);
            foreach (var part in cutovers.SelectMany(cutover => cutover.Parts.Keys).Distinct())
                Add(table, $"    {part}", cutovers, cutover => cutover.Parts.GetValueOrDefault(part));
            double? pause =
                cutovers.Count < turns ? null : Percentiles.Of(cutovers.Select(cutover => cutover.Seen)).P95;
            summary.Add($"pause of a {verb}, p95 of {turns}", pause, Wanted.AtMost(wanted), " ms");
        }
        AnsiConsole.Write(table);
    }

    static void Add(Table table, string what, List<Cutover> cutovers, Func<Cutover, double> of)
    {
        if (cutovers.Count == 0)
            return;
        var spread = Percentiles.Of(cutovers.Select(of));
        table.AddRow(
            what,
            $"{cutovers.Count}",
            $"{spread.Median:N0}",
            $"{spread.P95:N0}",
            $"{spread.Max:N0}",
            $"{cutovers.Sum(cutover => cutover.Failed)}",
            $"{cutovers.Sum(cutover => cutover.Retries)}"
        );
    }

    // Rows without a key, and one more with each write of a task.
    async Task AddKeylessAsync(string database)
    {
        await using var connection = new NpgsqlConnection(
            servers.Shared.ConnectionString(database, SampleDatabase.Admin)
        );
        await connection.ExecuteAsync(
            $"""
            CREATE TABLE task_changes (tenant_id uuid NOT NULL REFERENCES tenants, at timestamptz NOT NULL, what text);
            CREATE INDEX ON task_changes (tenant_id);
            INSERT INTO task_changes SELECT id, now(), 'created in the beginning'
                FROM tenants, generate_series(1, {Keyless}) WHERE slug = '{BenchmarkServers.Slug}';
            CREATE FUNCTION note_change() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
                BEGIN
                    INSERT INTO public.task_changes VALUES (NEW.tenant_id, clock_timestamp(), TG_OP);
                    RETURN NULL;
                END $$;
            CREATE TRIGGER note_change AFTER INSERT OR UPDATE ON tasks FOR EACH ROW EXECUTE FUNCTION note_change()
            """
        );
    }

    static async Task<Cutover> CutOverAsync(Ledger ledger, string database, Func<Task<RecordingProgress>> verb)
    {
        for (var failed = 0; ; failed++)
            try
            {
                var began = ledger.Clock.GetTimestamp();
                var observed = await verb();
                // Writes that waited are acknowledged by now, and the next move meets a tenant that works.
                await Task.Delay(TimeSpan.FromSeconds(1));
                return ledger.Pause(database, began) is { } seen && observed.Pause is { } own
                    ? new(seen.TotalMilliseconds, own, failed, observed.Retries, observed.Parts)
                    : throw new InvalidOperationException(
                        $"The tenant did not come to {database} by stream:\n{string.Join('\n', observed.Said)}"
                    );
            }
            catch (MigratorException failure) when (failure.Code == ExitCode.Failed && failed + 1 < Attempts)
            {
                // The stream is too far behind, or the guard cannot close: the same verb again, as the message says.
            }
    }

    /// <param name="Seen">
    /// Milliseconds from the first write that had to wait to the first acknowledgement by the new database.
    /// </param>
    /// <param name="Own">Milliseconds by the migrator's own measure.</param>
    /// <param name="Parts">Milliseconds by part of the pause.</param>
    sealed record Cutover(double Seen, double Own, int Failed, int Retries, IReadOnlyDictionary<string, double> Parts);
}
