namespace Bench;

/// <summary>What a figure is to be.</summary>
readonly record struct Wanted(double Limit, bool IsLeast)
{
    public static Wanted AtMost(double limit) => new(limit, IsLeast: false);

    public static Wanted AtLeast(double limit) => new(limit, IsLeast: true);

    public bool IsMetBy(double figure) => IsLeast ? figure >= Limit : figure <= Limit;

    public string Text(string unit) => $"{(IsLeast ? "≥" : "≤")} {Figure(Limit, unit)}";

    public static string Figure(double figure, string unit) =>
        figure.ToString(Math.Abs(figure) >= 100 ? "N0" : "0.##") + unit;
}
