using System.Data;
using System.Runtime.ExceptionServices;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace TenantRouting;

/// <summary>
/// Runs the work of a request on a DbContext of the tenant, also while the tenant moves to another database. To be copied and
/// adapted, beside TenantRouter.cs.
/// </summary>
/// <remarks>
/// In ASP.NET Core, with the router started and disposed by the host:
/// <code>
/// builder.Services.AddSingleton(new TenantContexts&lt;Notes&gt;(router, options => new(options)));
/// app.MapPost("/notes", (Note note, TenantContexts&lt;Notes&gt; contexts, HttpContext http) =>
///     contexts.RunAsync(TenantOf(http), (notes, _) => { notes.Add(note with { }); return Task.FromResult(note.Id); }));
/// </code>
/// Configure no EnableRetryOnFailure: the router repeats the whole transaction, in the database where the tenant is then.
/// </remarks>
/// <param name="create">Makes a context. An attempt has one of its own: a context that has failed still tracks what failed.</param>
public sealed class TenantContexts<TContext>(TenantRouter router, Func<DbContextOptions<TContext>, TContext> create)
    where TContext : DbContext
{
    /// <summary>
    /// Runs the work in one transaction of the tenant, saves what it has changed, and commits. The work may run several times:
    /// it does nothing but use the context, and makes the entities that it adds itself.
    /// </summary>
    /// <exception cref="OutcomeUnknownException">The connection was lost during COMMIT.</exception>
    public Task<T> RunAsync<T>(
        string tenant,
        Func<TContext, CancellationToken, Task<T>> work,
        IsolationLevel level = IsolationLevel.ReadCommitted,
        CancellationToken cancellationToken = default
    ) =>
        router.RunAsync(
            tenant,
            async (connection, token) =>
            {
                try
                {
                    return await RunAsync(connection, work, token);
                }
                // Entity Framework wraps what the server says, and the router asks for that. A refused write is none of the
                // caller's, but a DbUpdateConcurrencyException has no such cause, and is.
                catch (Exception e) when (CauseOf(e) is { } cause)
                {
                    ExceptionDispatchInfo.Throw(cause);
                    throw;
                }
            },
            level,
            cancellationToken
        );

    async Task<T> RunAsync<T>(
        NpgsqlConnection connection,
        Func<TContext, CancellationToken, Task<T>> work,
        CancellationToken cancellationToken
    )
    {
        var options = new DbContextOptionsBuilder<TContext>().UseNpgsql(connection).Options;
        await using var context = create(options);
        // The router has begun the transaction, and commits.
        context.Database.AutoTransactionBehavior = AutoTransactionBehavior.Never;
        context.Database.AutoSavepointsEnabled = false;
        var result = await work(context, cancellationToken);
        await context.SaveChangesAsync(cancellationToken);
        return result;
    }

    static NpgsqlException? CauseOf(Exception error)
    {
        for (var e = error.InnerException; e is not null; e = e.InnerException)
            if (e is NpgsqlException cause)
                return cause;
        return null;
    }
}
