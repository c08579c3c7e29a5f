using Migrator.Model;
using Migrator.Terminal;
using Spectre.Console;
using Spectre.Console.Testing;

namespace Migrator.Tests.Terminal;

/// <summary>What stands on a terminal of 80 columns and 24 lines while a tenant of many tables moves.</summary>
public sealed class BarProgressTests
{
    const int Tables = 27;

    [Fact]
    public void Bars_of_what_is_copied_stand_above_the_phase_that_runs_and_go_away_when_it_ends()
    {
        var console = new TestConsole().Width(80).Interactive();
        console.Profile.Height = 24;
        ProgressDisplay.Bars(console).AutoRefresh(false).Start(context => Show(console, context));

        // Nothing shows behind a line that is written over a bar.
        var lines = console.Output.Split('\n').Where(line => line.Contains('✓') || line.Contains("xx")).ToArray();
        Assert.Equal(3, lines.Length);
        Assert.All(lines, line => Assert.Equal(0, line.Length % 80));
    }

    static void Show(TestConsole console, ProgressContext context)
    {
        string[] Drawn(Action change)
        {
            change();
            var before = console.Output.Length;
            context.Refresh();
            return [.. console.Output[before..].Split('\n').Select(line => line.Trim()).Where(line => line != "")];
        }
        var progress = new BarProgress(console, context);
        progress.PhaseStarted("copy", "Copy the rows");
        var tables = Enumerable.Range(0, Tables).Select(Table).ToArray();
        progress.TablesPlanned([.. tables.Select(table => (table, 1_000L, 1_000_000L))]);
        foreach (var table in tables)
            progress.Advance(table, 500_000);

        var copying = Drawn(() => { });
        Assert.Matches(@"^Copy the rows .* 50 %", copying[^1]);
        Assert.Contains("public.t26", copying[^2]);
        Assert.Equal(7, copying.Count(line => line.Contains('━')));

        var written = Drawn(() =>
            progress.PhaseEnded("copy", "Copy the rows", TimeSpan.FromSeconds(2), new string('x', 60))
        );
        Assert.DoesNotContain(written, line => line.Contains('━'));
        var verifying = Drawn(() => progress.PhaseStarted("verify", "Verify every row"));
        Assert.Matches(@"^Verify every row .* 0:00:00", Assert.Single(verifying, line => line.Contains('━')));
        progress.PhaseEnded("verify", "Verify every row", TimeSpan.FromSeconds(1), null);
    }

    static TableName Table(int number) => TableName.Parse($"public.t{number:00}");
}
