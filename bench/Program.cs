using Bench;
using Migrator.Demo;
using Migrator.Embedded;
using Spectre.Console;

// bench [ROWS] [SCENARIO…]: those that are named, or all. Each measures what it compares in one run: ratios hold where
// seconds do not.
var sized = args.Length > 0 && long.TryParse(args[0], out _);
var rows = sized ? long.Parse(args[0]) : 2_000_000;
var wanted = args.Skip(sized ? 1 : 0).ToArray();
(string Name, string Title, Func<BenchmarkServers, Task> RunAsync)[] scenarios =
[
    ("load", "A promotion, and other ways to copy a tenant", servers => new LoadScenario(servers).RunAsync()),
    ("apply", "Changes that wait in the slot", servers => new ApplyScenario(servers).RunAsync()),
    ("lag", "How far behind, under load", servers => new LagScenario(servers).RunAsync()),
    ("pause", "The pause at the cutover, under load", servers => new PauseScenario(servers).RunAsync()),
    ("guard", "The tenant's writes while the guard is open", servers => new GuardScenario(servers).RunAsync()),
    ("fence", "Other tenants' writes behind the fence", servers => new FenceScenario(servers).RunAsync()),
    ("neighbours", "The other tenants meanwhile", servers => new NeighboursScenario(servers).RunAsync()),
];
if (wanted.Except(scenarios.Select(scenario => scenario.Name)).FirstOrDefault() is { } stranger)
{
    Console.Error.WriteLine(
        $"There is no scenario '{stranger}'. Say bench [ROWS] [SCENARIO…], with scenarios of "
            + $"{string.Join(", ", scenarios.Select(scenario => scenario.Name))}; none for all."
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
foreach (var (name, title, runAsync) in scenarios)
{
    if (wanted.Length > 0 && !wanted.Contains(name))
        continue;
    AnsiConsole.Write(new Rule($"{name}: {title}") { Justification = Justify.Left });
    await runAsync(servers);
}
return 0;
