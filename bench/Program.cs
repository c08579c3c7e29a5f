using System.Diagnostics;
using Bench;
using Migrator.Demo;
using Migrator.Embedded;
using Spectre.Console;

// bench [ROWS] [PART…]: those that are named, or all. Each measures what it compares in one run: ratios hold where
// seconds do not.
var sized = args.Length > 0 && long.TryParse(args[0], out _);
var rows = sized ? long.Parse(args[0]) : 400_000;
var wanted = args.Skip(sized ? 1 : 0).ToArray();
(string Name, string Title, Func<BenchmarkServers, Summary, Task> RunAsync)[] parts =
[
    ("load", "A promotion, and other ways to copy a tenant", (on, to) => new LoadScenario(on, to).RunAsync()),
    ("native", "PostgreSQL's own logical replication", (on, to) => new NativeScenario(on, to).RunAsync()),
    ("apply", "Changes that wait in the slot", (on, to) => new ApplyScenario(on, to).RunAsync()),
    ("lag", "How far behind, under load", (on, to) => new LagScenario(on, to).RunAsync()),
    ("pause", "The pause at the cutover, under load", (on, to) => new PauseScenario(on, to).RunAsync()),
    ("guard", "The tenant's writes while the guard is open", (on, to) => new GuardScenario(on, to).RunAsync()),
    ("fence", "Other tenants' writes behind the fence", (on, to) => new FenceScenario(on, to).RunAsync()),
    ("neighbours", "The other tenants meanwhile", (on, to) => new NeighboursScenario(on, to).RunAsync()),
];
if (wanted.Except(parts.Select(part => part.Name)).FirstOrDefault() is { } stranger)
{
    Console.Error.WriteLine(
        $"There is no part '{stranger}'. Say bench [ROWS] [PART…], with parts of "
            + $"{string.Join(", ", parts.Select(part => part.Name))}; none for all."
    );
    return 2;
}

var binaries = await PostgresBinaries.FindOrInstallAsync(Console.WriteLine);
await using var shared = await EmbeddedCluster.StartAsync(binaries, Settings.OfAServer);
await using var dedicated = await EmbeddedCluster.StartAsync(binaries, Settings.OfAServer);
foreach (var server in (EmbeddedCluster[])[shared, dedicated])
    await SampleDatabase.CreateRolesAsync(server);
AnsiConsole.MarkupLineInterpolated(
    $"PostgreSQL {binaries.Major}, {Environment.ProcessorCount} processors, a tenant of {rows:N0} rows."
);
var servers = new BenchmarkServers(shared, dedicated, rows);
var summary = new Summary();
var whole = Stopwatch.StartNew();
foreach (var (name, title, runAsync) in parts.Where(part => wanted.Length == 0 || wanted.Contains(part.Name)))
{
    AnsiConsole.Write(new Rule($"{name}: {title}") { Justification = Justify.Left });
    summary.Begin(name);
    var watch = Stopwatch.StartNew();
    await runAsync(servers, summary);
    summary.Add("this part took", watch.Elapsed.TotalSeconds, null, " s");
}
summary.Begin("");
summary.Add("all of it took", whole.Elapsed.TotalSeconds, sized ? null : Wanted.AtMost(600), " s");
AnsiConsole.Write(new Rule());
summary.Show();
return 0;
