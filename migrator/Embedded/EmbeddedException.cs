namespace Migrator.Embedded;

/// <summary>The embedded PostgreSQL could not be found, started or used. The message is a sentence for a person.</summary>
public sealed class EmbeddedException(string message, Exception? cause = null) : Exception(message, cause);
