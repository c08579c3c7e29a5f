using System.Net.Sockets;
using Migrator.Messages;
using Migrator.Model;
using Npgsql;

namespace Migrator.Connections;

/// <summary>Translates exceptions of servers and networks into sentences.</summary>
public static class ServerFailure
{
    /// <summary>What went wrong, as a sentence; null for a bug, and for the user's own Ctrl-C.</summary>
    public static MigratorException? From(Exception e, CancellationToken cancellationToken) =>
        e switch
        {
            _ when cancellationToken.IsCancellationRequested && e is not MigratorException => null,
            MigratorException failure => failure,
            OperationCanceledException => ServerMessages.Lost("its server ended it"),
            PostgresException answer => From(answer),
            NpgsqlException encryption when IsEncryption(encryption) => ServerMessages.SslRefused(encryption),
            NpgsqlException unreachable => ServerMessages.Unreachable(unreachable),
            IOException or SocketException => ServerMessages.Lost(e.Message),
            AggregateException { InnerException: { } inner } => From(inner, cancellationToken),
            _ => null,
        };

    /// <summary>The SQLSTATE of a session that its server ended because it was idle within a transaction.</summary>
    public const string IdleInTransactionTimeout = "25P03";

    /// <summary>A row does not satisfy a constraint: class 23 of the SQLSTATEs.</summary>
    /// <remarks>https://www.postgresql.org/docs/current/errcodes-appendix.html</remarks>
    public static bool IsConstraintViolation(PostgresException e) =>
        e.SqlState.StartsWith("23", StringComparison.Ordinal);

    static MigratorException From(PostgresException e) =>
        e.SqlState switch
        {
            _ when ServerMessages.IsPooler(e) => ServerMessages.PoolerRefuses(e),
            PostgresErrorCodes.InvalidPassword or PostgresErrorCodes.InvalidAuthorizationSpecification =>
                ServerMessages.LoginRefused(e),
            PostgresErrorCodes.InvalidCatalogName => ServerMessages.NoSuchDatabase(e),
            PostgresErrorCodes.DiskFull => ServerMessages.DiskFull(e),
            IdleInTransactionTimeout
            or PostgresErrorCodes.AdminShutdown
            or PostgresErrorCodes.CrashShutdown
            or PostgresErrorCodes.CannotConnectNow => ServerMessages.ServerWentAway(e),
            _ => ServerMessages.ServerSaid(e),
        };

    // A server without SSL is told by a message alone, an untrusted certificate by the exception of the handshake.
    static bool IsEncryption(NpgsqlException e) =>
        e.InnerException is System.Security.Authentication.AuthenticationException
        || (e.InnerException is null && e.Message.Contains("SSL", StringComparison.Ordinal));
}
