using System.CommandLine;
using System.Globalization;
using Migrator.Commands;
using Migrator.Cutover;
using Migrator.Journal;
using Migrator.Model;

namespace Migrator.Tests.Commands;

/// <summary>When a held promotion is let go by the clock, and which wishes make no sense.</summary>
public sealed class HoldOptionsTests
{
    static readonly RootCommand Root = Verbs.Create();

    [Theory]
    [InlineData("Sat,Sun 02:00-04:00 Europe/Berlin", "2026-11-28T01:00Z", "2026-11-28T03:00Z")]
    // The night ends on the next day.
    [InlineData("Fri 23:00-02:00 UTC", "2026-11-27T23:00Z", "2026-11-28T02:00Z")]
    [InlineData("sat-mon 00:00-06:00 America/New_York", "2026-11-28T05:00Z", "2026-11-28T11:00Z")]
    // In that night the clock goes from 02:00 to 03:00.
    [InlineData("Sun 02:30-03:30 Europe/Berlin", "2027-03-28T01:00Z", "2027-03-28T01:30Z", "2027-03-27T12:00Z")]
    public void A_window_opens_and_closes_by_the_clock_of_its_place(
        string text,
        string opens,
        string closes,
        string now = "2026-11-26T12:00Z"
    )
    {
        Assert.True(CutoverWindow.TryParse(text, out var window, out var fault), fault);

        var from = window!.NextOpening(At(now));

        Assert.Equal(At(opens), from);
        Assert.Null(window.EndAt(from - TimeSpan.FromSeconds(1)));
        Assert.Equal(At(closes), window.EndAt(from));
        Assert.Null(window.EndAt(At(closes)));
    }

    [Fact]
    public void An_hour_that_the_clock_skips_is_no_opening()
    {
        Assert.True(CutoverWindow.TryParse("Sun 02:10-02:50 Europe/Berlin", out var window, out _));

        Assert.Equal(At("2027-04-04T00:10Z"), window!.NextOpening(At("2027-03-27T12:00Z")));
    }

    [Theory]
    [InlineData("--cutover-window", "Sat 02:00-02:00 UTC", "never opens")]
    [InlineData("--cutover-window", "Someday 02:00-04:00 UTC", "no days of the week")]
    [InlineData("--cutover-window", "Sat 02:00-04:00 Middle/Earth", "no time zone 'Middle/Earth'")]
    [InlineData("--cutover-window", "Sat 25:00-26:00 UTC", "not of the form")]
    [InlineData("--cutover-window", "tonight", "not of the form")]
    [InlineData("--cutover-at", "2020-01-01T03:00Z", "has passed")]
    [InlineData("--cutover-at", "2099-01-01T03:00", "not a time with its offset")]
    [InlineData("--cutover-at", "3 am", "not a time with its offset")]
    [InlineData("--cutover-at", "2099-01-01T03:00Z", "would never begin", "--hold-for", "8h")]
    [InlineData("--cutover-at", "2099-01-01T03:00Z", "exclude each other", "--cutover-window", "Sat 02:00-04:00 UTC")]
    [InlineData("--hold-for", "8 hours", "not a duration")]
    [InlineData("--hold-for", "90d", "not a duration")]
    [InlineData("--hold-expires", "cutover", "Add --hold-for")]
    [InlineData("--hold-for", "8h", "nothing cuts over at a time by itself", "--detach")]
    [InlineData("--detach", "", "--finalize needs the cutover", "--finalize")]
    [InlineData("--hold", "", "mode online only", "--mode", "fenced")]
    [InlineData("--rehearse", "", "mode fenced has no other pause", "--mode", "fenced")]
    [InlineData("--rehearse", "", "moves nothing", "--finalize")]
    [InlineData("--rehearse", "", "moves nothing", "--dry-run")]
    [InlineData("--rehearse", "", "do not go with it", "--hold")]
    [InlineData("--keep", "", "Add --rehearse")]
    public void A_wish_that_makes_no_sense_is_one_sentence(
        string option,
        string value,
        string said,
        params string[] more
    )
    {
        string[] words =
        [
            "promote",
            "--tenant-slug=acme",
            option,
            .. value.Length > 0 ? (string[])[value] : [],
            .. more,
        ];

        var error = Assert.Single(Root.Parse(words).Errors);

        Assert.Contains(said, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--cutover-at", "2099-12-01T03:00+01:00")]
    [InlineData("--cutover-window", "Sat,Sun 02:00-04:00 Europe/Berlin", "--hold-for", "20d")]
    [InlineData("--hold-for", "8h", "--hold-expires", "cutover")]
    [InlineData("--detach")]
    [InlineData("--rehearse", "--keep")]
    public void A_wish_that_makes_sense_is_understood(params string[] words) =>
        Assert.Empty(Root.Parse(["promote", "--tenant-slug=acme", .. words]).Errors);

    [Theory]
    [InlineData(-1, null, null, "", false)]
    [InlineData(0, null, null, "--cutover-at", false)]
    [InlineData(14, null, null, "--cutover-at", false)]
    [InlineData(15, null, null, "", false)]
    [InlineData(0, 1, null, "", false)]
    [InlineData(0, 0, null, "--cutover-at", false)]
    [InlineData(-10, null, 0, "", true)]
    [InlineData(-10, null, 1, "", false)]
    public void The_clock_lets_it_go(int minutesSinceTime, int? rest, int? left, string by, bool releases)
    {
        var now = At("2026-11-28T02:00Z");
        DateTime In(int minutes) => now.AddMinutes(minutes).UtcDateTime;
        var hold = new HoldRecord(
            In(-minutesSinceTime),
            null,
            null,
            HoldOptions.Release,
            In(-60),
            left is { } l ? In(l) : null,
            rest is { } r ? In(r) : null,
            null,
            null,
            null,
            null,
            null,
            null,
            new()
        );

        Assert.Equal(new HoldPolicy(by.Length > 0 ? by : null, releases), HoldPolicy.Decide(hold, now));
        // After its time another one cuts over, when it has rested.
        if (releases)
            Assert.Equal("--hold-for", HoldPolicy.Decide(hold with { Expires = HoldOptions.Cutover }, now).By);
    }

    static DateTimeOffset At(string time) => DateTimeOffset.Parse(time, CultureInfo.InvariantCulture);
}
