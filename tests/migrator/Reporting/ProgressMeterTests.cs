using Migrator.Model;
using Migrator.Progress;
using Migrator.Terminal;
using Migrator.Tests.Support;

namespace Migrator.Tests.Reporting;

/// <summary>How far a phase is, and how long it still takes.</summary>
public sealed class ProgressMeterTests
{
    static readonly TableName Notes = TableName.Parse("public.notes");
    static readonly TableName Tags = TableName.Parse("public.tags");

    readonly SetClock clock = new();
    readonly ProgressMeter meter;

    public ProgressMeterTests() => meter = new(new SilentProgress(), clock);

    ProgressState Whole => meter.Measure()[0];

    [Fact]
    public void Nothing_is_foretold_before_there_is_a_rate()
    {
        Assert.Empty(meter.Measure());
        Copy(100_000);
        Assert.Null(Whole.Left);
        Pass(2, 10_000);
        Assert.Null(Whole.Left);
    }

    [Fact]
    public void Nothing_is_said_while_writes_wait()
    {
        Copy(100_000);
        meter.PhaseStarted(PhaseName.CutOver, "Cut over");
        Assert.Empty(meter.Measure());
        meter.PhaseEnded(PhaseName.CutOver, "Cut over", TimeSpan.Zero, null);
        Assert.Equal(PhaseName.CutOver, Whole.Phase);
    }

    [Fact]
    public void The_end_lies_between_the_rate_of_a_minute_and_that_of_ten()
    {
        Copy(10_000_000);
        for (var second = 0; second < 600; second++)
            Pass(1, 1_000);
        for (var second = 0; second < 60; second++)
            Pass(1, 4_000);

        var now = Whole;
        Assert.Equal(840_000, now.Done);
        // 1 - 1/e of the way from 1,000 to 4,000; of ten minutes a tenth of that way has passed.
        Assert.InRange(now.MinuteRate!.Value, 2_800, 3_000);
        Assert.InRange(now.TenMinuteRate!.Value, 1_300, 1_500);
        var left = (double)(now.Total! - now.Done);
        Assert.Equal(left / now.MinuteRate.Value * 0.9, now.Left!.Value.From, 1);
        Assert.Equal(left / now.TenMinuteRate.Value * 1.1, now.Left.Value.To, 1);
    }

    [Fact]
    public void What_an_earlier_run_has_done_is_no_rate()
    {
        Copy(1_000_000);
        meter.Advance(Notes, 900_000);
        for (var second = 0; second < 30; second++)
            Pass(1, 100);

        var now = Whole;
        Assert.Equal(903_000, now.Done);
        Assert.Equal(100, now.MinuteRate!.Value, 1);
    }

    [Fact]
    public void What_stands_still_on_purpose_has_no_end_and_says_why()
    {
        Copy(1_000_000);
        for (var second = 0; second < 10; second++)
            Pass(1, 2_000);
        Assert.NotNull(Whole.Left);

        meter.Waits("3 sessions are active.");
        Assert.Null(Whole.Left);
        Assert.Equal("3 sessions are active.", Whole.WaitsFor);
        meter.Waits(null);
        Assert.NotNull(Whole.Left);
    }

    [Fact]
    public void Tables_add_up_and_a_short_estimate_grows()
    {
        meter.PhaseStarted("copy", "Copy the rows");
        meter.TablesPlanned([(Notes, 10, 1_000), (Tags, 10, 500)]);
        meter.Advance(Notes, 1_200);

        var states = meter.Measure();
        Assert.Equal(("", 1_200L, (long?)1_700), (states[0].Table, states[0].Done, states[0].Total));
        Assert.Equal(("public.notes", 1_200L, (long?)1_200), (states[1].Table, states[1].Done, states[1].Total));
        Assert.Equal(("public.tags", 0L, (long?)500), (states[2].Table, states[2].Done, states[2].Total));
    }

    [Fact]
    public void Another_unit_is_another_step_of_the_phase()
    {
        meter.PhaseStarted("bring-home", "Copy the changed rows back");
        meter.Reached("public.notes", ProgressUnit.Rows, 100, null);
        Assert.Equal((ProgressUnit.Rows, 100L, (long?)null), (Whole.Unit, Whole.Done, Whole.Total));

        meter.Reached("", ProgressUnit.Batches, 2, 10);
        var only = Assert.Single(meter.Measure());
        Assert.Equal((ProgressUnit.Batches, 2L, (long?)10), (only.Unit, only.Done, only.Total));
    }

    [Fact]
    public async Task The_lines_of_the_log()
    {
        var log = new StringWriter();
        var now = new ProgressState("copy", "", default, "bytes", 20_000_000, 80_000_000, 400_000, 300_000, null);
        new JsonProgress(log, clock).Progressed(now);
        new JsonProgress(log, clock).Progressed(now with { WaitsFor = "Too much." });
        new JsonProgress(log, clock).Progressed(new("verify", "", default, "rows", 10, null, null, null, null));
        new JsonProgress(log, clock).Progressed(new("provision", "", default, null, 0, null, null, null, null));
        await GoldenFile.RequireAsync("golden/progress.jsonl", log.ToString());
    }

    void Copy(long planned)
    {
        meter.PhaseStarted("copy", "Copy the rows");
        meter.TablesPlanned([(Notes, 1_000, planned)]);
        meter.Measure();
    }

    void Pass(int seconds, long bytes)
    {
        clock.Now += TimeSpan.FromSeconds(seconds);
        meter.Advance(Notes, bytes);
        meter.Measure();
    }

    sealed class SetClock : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = new(2026, 1, 31, 12, 0, 0, TimeSpan.Zero);

        public override DateTimeOffset GetUtcNow() => Now;
    }
}
