using Bench;
using Migrator.Demo;
using Migrator.Embedded;
using Spectre.Console;

// bench [ROWS] [part…]: the parts named, or all. Each measures what it compares in one run: ratios hold where seconds do not.
var sized = args.Length > 0 && long.TryParse(args[0], out _);
var rows = sized ? long.Parse(args[0]) : 2_000_000;
var wanted = args.Skip(sized ? 1 : 0).ToArray();
(string Name, string Title, Func<Stage, Task> RunAsync)[] parts =
[
    ("load", "A promotion, and other ways to copy a tenant", stage => new LoadPart(stage).RunAsync()),
    ("apply", "Changes that wait in the slot", stage => new ApplyPart(stage).RunAsync()),
    ("lag", "How far behind, under load", stage => new LagPart(stage).RunAsync()),
    ("pause", "The pause at the cutover, under load", stage => new PausePart(stage).RunAsync()),
    ("neighbours", "The other tenants meanwhile", stage => new NeighboursPart(stage).RunAsync()),
];
if (wanted.Except(parts.Select(part => part.Name)).FirstOrDefault() is { } stranger)
{
    Console.Error.WriteLine(
        $"There is no part '{stranger}'. Say bench [ROWS] [part…], with parts of {string.Join(", ", parts.Select(part => part.Name))}; none for all."
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
var stage = new Stage(shared, dedicated, rows);
foreach (var (name, title, runAsync) in parts)
{
    if (wanted.Length > 0 && !wanted.Contains(name))
        continue;
    AnsiConsole.Write(new Rule($"{name}: {title}") { Justification = Justify.Left });
    await runAsync(stage);
}
return 0;
