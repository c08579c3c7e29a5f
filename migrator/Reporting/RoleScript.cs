using System.Text;
using Migrator.Messages;
using Migrator.Preflight;
using Npgsql;

namespace Migrator.Reporting;

/// <summary>Needed rights as SQL: for a person to read, or as a file for psql, for one server.</summary>
/// <remarks>
/// A superuser runs it, and others have chosen the names in it: none may end the comment in which it stands.
/// </remarks>
static class RoleScript
{
    /// <summary>What one server is to run, all or nothing, with where and how.</summary>
    public static string Of(string file, NpgsqlConnectionStringBuilder server, IEnumerable<NeededPrivilege> needed) =>
        $"""
            {Comment(
                $"The least privileges of the migrator at {server.Host}:{server.Port}, each with its reason. Run as a superuser:"
            )}
            {Comment(
                $"  psql --host={server.Host} --port={server.Port} --dbname={server.Database} --set=ON_ERROR_STOP=1 --file={file}"
            )}
            BEGIN;
            {Statements(needed)}COMMIT;

            """;

    /// <summary>Each statement with its reason; what is there already, or left to a person, is a comment.</summary>
    public static string Statements(IEnumerable<NeededPrivilege> needed)
    {
        var text = new StringBuilder();
        foreach (var one in needed)
            text.Append(Comment(one.Reason))
                .Append('\n')
                .Append(
                    one.IsThere ? Comment($"(is there) {one.Statement};")
                    : one.ByHand ? Comment($"(up to you) {one.Statement};")
                    : $"{one.Statement};"
                )
                .Append('\n');
        return text.ToString();
    }

    static string Comment(string text) => $"-- {Wording.Foreign(text)}";
}
