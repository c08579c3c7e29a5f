namespace Migrator.Model;

/// <summary>
/// The shared database's schema is not the one that the promotion knows. The next attempt follows the change, or names
/// what cannot be followed.
/// </summary>
public sealed class SchemaMovedException(ExitCode code, string message) : MigratorException(code, message);
