using Mono.Cecil;
using Mono.Cecil.Cil;

namespace Migrator.Tests;

/// <summary>
/// What CONTRIBUTING says of the folders, read from the compiled assembly: a namespace is a folder, and code that uses a
/// type of another folder depends on that folder. Constants are invisible here, for the compiler copies their value.
/// </summary>
public sealed class ArchitectureTests
{
    static readonly ModuleDefinition Module = ModuleDefinition.ReadModule(typeof(Promotion).Assembly.Location);

    // From type to type, closures and state machines counted as the type that they were written in.
    static readonly ILookup<TypeDefinition, TypeDefinition> Uses = Module
        .Types.Where(type => IsOurs(type))
        .SelectMany(type => UsedBy(type).Select(used => (type, used)))
        .Where(edge => edge.type != edge.used && IsOurs(edge.used))
        .ToLookup(edge => edge.type, edge => edge.used);

    [Fact]
    public void Folders_form_no_cycle()
    {
        var edges = Uses.SelectMany(from => from.Select(to => (From: from.Key, To: to)))
            .Where(edge => edge.From.Namespace != edge.To.Namespace)
            .ToLookup(edge => edge.From.Namespace);

        Assert.NotEmpty(edges);
        var cycles = edges
            .Select(folder => CycleFrom(folder.Key, edges))
            .OfType<string>()
            .OrderBy(cycle => cycle.Length);
        Assert.True(!cycles.Any(), cycles.FirstOrDefault());
    }

    [Fact]
    public void No_phase_knows_another_phase()
    {
        var phase = Module.GetType("Migrator.Phases.Phase");
        var phases = Module.Types.Where(type => type.BaseType == phase).ToHashSet();

        Assert.True(phases.Count > 20);
        AssertNone(phases.SelectMany(from => Uses[from].Where(phases.Contains).Select(to => (from, to))));
    }

    [Fact]
    public void Model_and_messages_depend_on_nothing_of_ours_but_the_model()
    {
        var edges = Uses.Where(from => from.Key.Namespace is "Migrator.Model" or "Migrator.Messages")
            .SelectMany(from => from.Select(to => (From: from.Key, To: to)))
            .ToArray();

        Assert.NotEmpty(edges);
        AssertNone(
            edges.Where(edge => edge.To.Namespace != "Migrator.Model" && edge.To.Namespace != edge.From.Namespace)
        );
    }

    static void AssertNone(IEnumerable<(TypeDefinition From, TypeDefinition To)> edges)
    {
        var arrows = edges.Select(edge => $"{edge.From.FullName} uses {edge.To.FullName}").ToArray();
        Assert.True(arrows.Length == 0, string.Join("\n", arrows));
    }

    static bool IsOurs(TypeDefinition type) => type.Namespace.StartsWith("Migrator", StringComparison.Ordinal);

    // The shortest way from a folder back to itself, each step with one pair of types that makes it; null when there is none.
    static string? CycleFrom(string start, ILookup<string, (TypeDefinition From, TypeDefinition To)> edges)
    {
        var cameBy = new Dictionary<string, (TypeDefinition From, TypeDefinition To)>();
        var queue = new Queue<string>([start]);
        while (queue.TryDequeue(out var folder))
            foreach (var edge in edges[folder])
                if (cameBy.TryAdd(edge.To.Namespace, edge))
                    queue.Enqueue(edge.To.Namespace);
        if (!cameBy.TryGetValue(start, out var last))
            return null;
        var steps = new List<string>();
        for (var edge = last; ; edge = cameBy[edge.From.Namespace])
        {
            steps.Insert(0, $"{edge.From.FullName} uses {edge.To.FullName}");
            if (edge.From.Namespace == start)
                return string.Join("\n", steps);
        }
    }

    static IEnumerable<TypeDefinition> UsedBy(TypeDefinition type) =>
        References(type).SelectMany(Parts).Select(Outermost).OfType<TypeDefinition>().Distinct();

    static IEnumerable<TypeReference?> References(TypeDefinition type) =>
        [
            type.BaseType,
            .. type.Interfaces.Select(one => one.InterfaceType),
            .. type.CustomAttributes.Select(attribute => attribute.AttributeType),
            .. type.Fields.Select(field => field.FieldType),
            .. type.Methods.SelectMany(References),
            .. type.NestedTypes.SelectMany(References),
        ];

    static IEnumerable<TypeReference?> References(MethodDefinition method) =>
        [
            method.ReturnType,
            .. method.Parameters.Select(parameter => parameter.ParameterType),
            .. method.HasBody ? method.Body.Variables.Select(variable => variable.VariableType) : [],
            .. method.HasBody ? method.Body.ExceptionHandlers.Select(handler => handler.CatchType) : [],
            .. method.HasBody ? method.Body.Instructions.SelectMany(References) : [],
        ];

    static IEnumerable<TypeReference?> References(Instruction instruction) =>
        instruction.Operand switch
        {
            TypeReference type => [type],
            FieldReference field => [field.DeclaringType, field.FieldType],
            MethodReference method =>
            [
                method.DeclaringType,
                method.ReturnType,
                .. method.Parameters.Select(parameter => parameter.ParameterType),
                .. method is GenericInstanceMethod generic ? generic.GenericArguments : [],
            ],
            _ => [],
        };

    static IEnumerable<TypeReference> Parts(TypeReference? type) =>
        type switch
        {
            null => [],
            GenericInstanceType generic => [generic.ElementType, .. generic.GenericArguments.SelectMany(Parts)],
            TypeSpecification wrapped => Parts(wrapped.ElementType),
            _ => [type],
        };

    static TypeDefinition? Outermost(TypeReference type)
    {
        while (type.DeclaringType is { } outer)
            type = outer;
        return type as TypeDefinition;
    }
}
