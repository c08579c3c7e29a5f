using System.Text.Json;
using Migrator.Model;

namespace Migrator.Journal;

/// <summary>A hold before the cutover, as the journal has it.</summary>
/// <param name="Seconds">How long to hold at most.</param>
/// <param name="Since">Since when the promotion holds; null before it has come that far.</param>
/// <param name="Until">When the hold expires.</param>
/// <param name="NotBefore">No time and no window lets the promotion go earlier than this.</param>
/// <param name="GoAt">When it was let go; null while it holds.</param>
/// <param name="Failure">Why the last attempt at the cutover did not succeed.</param>
/// <param name="SeenAt">When the run that holds was alive last.</param>
/// <param name="VerifiedAt">
/// When the rows were compared last: all of them, or those that changes have touched since.
/// </param>
public sealed record HoldRecord(
    DateTime? CutoverAt,
    CutoverWindow? Window,
    double? Seconds,
    string Expires,
    DateTime? Since,
    DateTime? Until,
    DateTime? NotBefore,
    DateTime? GoAt,
    string? GoBy,
    DateTime? FailedAt,
    string? Failure,
    DateTime? SeenAt,
    DateTime? VerifiedAt,
    HoldState State
)
{
    // Dapper reads columns into it.
    internal sealed class Row
    {
        public DateTime? CutoverAt { get; init; }
        public string? Window { get; init; }
        public double? Seconds { get; init; }
        public string Expires { get; init; } = "";
        public DateTime? Since { get; init; }
        public DateTime? Until { get; init; }
        public DateTime? NotBefore { get; init; }
        public DateTime? GoAt { get; init; }
        public string? GoBy { get; init; }
        public DateTime? FailedAt { get; init; }
        public string? Failure { get; init; }
        public DateTime? SeenAt { get; init; }
        public DateTime? VerifiedAt { get; init; }
        public string State { get; init; } = "{}";

        public HoldRecord Record =>
            new(
                CutoverAt,
                // A machine without the zone cannot tell when the window opens; the run that holds can.
                Window is { } text
                && CutoverWindow.TryParse(text, out var window, out _)
                    ? window
                    : null,
                Seconds,
                Expires,
                Since,
                Until,
                NotBefore,
                GoAt,
                GoBy,
                FailedAt,
                Failure,
                SeenAt,
                VerifiedAt,
                JsonSerializer.Deserialize<HoldState>(State)!
            );
    }
}

/// <summary>What a run that holds has measured. The property names are in users' journals and do not change.</summary>
/// <param name="LagMs">How long a change needs from the shared database into the isolated one.</param>
/// <param name="PauseFromMs">The pause that a cutover would take now, at best.</param>
/// <param name="PauseToMs">The same, at worst.</param>
/// <param name="Touched">Rows that have changed since the last comparison.</param>
/// <param name="WaitsFor">What a comparison, or the cutover, would have to wait for.</param>
public sealed record HoldState(
    double? LagMs = null,
    double? PauseFromMs = null,
    double? PauseToMs = null,
    int Touched = 0,
    string[]? WaitsFor = null
);
