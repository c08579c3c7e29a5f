using Migrator.Demo;
using Spectre.Console;

namespace Bench;

/// <summary>How long a busy tenant waits at a cutover: there and back by turns, as the application sees it and as the migrator does.</summary>
sealed class PausePart(Stage stage)
{
    const int Turns = 10;

    readonly ApplicationLoad load = new(Writers: 8, Rate: 500, OtherTenants: 0);

    public async Task RunAsync()
    {
        var database = await stage.ModerateAsync();
        using var move = new Move(stage, database);
        var (ledger, application) = await stage.StartAsync(database, load);
        var (there, back) = (new List<Cutover>(), new List<Cutover>());
        var began = ledger.Clock.GetTimestamp();
        await using (application)
        {
            for (var turn = 0; turn < Turns; turn++)
            {
                there.Add(await CutOverAsync(ledger, Stage.Slug.DatabaseName, move.PromoteAsync));
                back.Add(await CutOverAsync(ledger, database, () => move.RollBackAsync()));
            }
            await application.StopAsync();
        }
        var ended = ledger.Clock.GetTimestamp();
        var proof = await ledger.ProveAsync(null, CancellationToken.None);
        if (proof.Faults.Count > 0) throw new InvalidOperationException(string.Join('\n', proof.Faults));
        await move.RollBackAsync(dropIsolated: true);

        var rate = ledger.Writes(ofMoving: true, began, ended) / ledger.Clock.GetElapsedTime(began, ended).TotalSeconds;
        var table = new Table().AddColumns($"milliseconds, with {rate:N0} writes/s of {load.Rate}", "cutovers", "p50", "p95", "longest", "warnings").RoundedBorder();
        void Add(string what, List<Cutover> cutovers, Func<Cutover, double> of)
        {
            var spread = Spread.Of(cutovers.Select(of));
            table.AddRow(what, $"{cutovers.Count}", $"{spread.Median:N0}", $"{spread.High:N0}", $"{spread.Longest:N0}", $"{cutovers.Sum(cutover => cutover.Warnings)}");
        }
        Add("promotion, as the application sees it", there, cutover => cutover.Seen);
        Add("promotion, by the journal", there, cutover => cutover.Own);
        Add("rollback, as the application sees it", back, cutover => cutover.Seen);
        Add("rollback, by the migrator", back, cutover => cutover.Own);
        AnsiConsole.Write(table);
    }

    static async Task<Cutover> CutOverAsync(Ledger ledger, string database, Func<Task<Observed>> verb)
    {
        var began = ledger.Clock.GetTimestamp();
        var observed = await verb();
        // Writes that waited are acknowledged by now, and the next move meets a tenant that works.
        await Task.Delay(TimeSpan.FromSeconds(1));
        return ledger.Pause(database, began) is { } seen && observed.Pause is { } own
            ? new(seen.TotalMilliseconds, own, observed.Warnings)
            : throw new InvalidOperationException($"The tenant did not come to {database} by stream.");
    }

    sealed record Cutover(double Seen, double Own, int Warnings);
}
