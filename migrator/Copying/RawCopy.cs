using System.Buffers;
using Migrator.Model;
using Migrator.Scope;
using Npgsql;

namespace Migrator.Copying;

/// <summary>Streams rows from one server to another as the bytes that COPY speaks; no row is parsed.</summary>
/// <remarks>https://www.postgresql.org/docs/current/sql-copy.html</remarks>
public static class RawCopy
{
    const int BufferSize = 128 * 1024;

    /// <summary>The stored columns, in one order for both sides.</summary>
    public static string Columns(TableDefinition table) =>
        Sql.Identifiers(table.StoredColumns.Select(column => column.Name));

    /// <summary>Binary, unless a column's binary form means something else in another database (object ids).</summary>
    public static bool IsBinary(TableDefinition table) => table.Columns.All(column => column.BinaryIsPortable);

    static string Format(TableDefinition table) => IsBinary(table) ? "FORMAT BINARY" : "FORMAT TEXT";

    /// <summary>The statement that sends rows.</summary>
    /// <param name="from">The table or a part of it, seen as <c>t</c> by the condition.</param>
    public static string Out(TableDefinition table, string from, string condition)
    {
        var columns = Sql.Identifiers("t", table.StoredColumns.Select(column => column.Name));
        return $"COPY (SELECT {columns} FROM {from} t WHERE {condition}) TO STDOUT ({Format(table)})";
    }

    /// <summary>The statement that receives them.</summary>
    /// <param name="into">The table, a part of it, or one of the same columns.</param>
    public static string In(TableDefinition table, string into, bool freeze = false) =>
        $"COPY {into} ({Columns(table)}) FROM STDIN ({Format(table)}{(freeze ? ", FREEZE" : "")})";

    /// <summary>Copies what <paramref name="read"/> sends into what <paramref name="write"/> receives.</summary>
    /// <param name="progress">Called with the bytes of each block; the next one waits for it.</param>
    /// <returns>Bytes sent.</returns>
    public static async Task<long> StreamAsync(
        NpgsqlConnection source,
        string read,
        NpgsqlConnection target,
        string write,
        Func<long, ValueTask>? progress,
        CancellationToken cancellationToken
    )
    {
        var buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        try
        {
            await using var input = await ReadAsync(source, read, IsBinary(read), cancellationToken);
            await using var output = await WriteAsync(target, write, IsBinary(write), cancellationToken);
            return await PumpAsync(input, output, buffer, progress, cancellationToken);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    static async Task<long> PumpAsync(
        NpgsqlRawCopyStream input,
        NpgsqlRawCopyStream output,
        byte[] buffer,
        Func<long, ValueTask>? progress,
        CancellationToken cancellationToken
    )
    {
        long total = 0;
        try
        {
            int length;
            while ((length = await input.ReadAsync(buffer.AsMemory(0, BufferSize), cancellationToken)) > 0)
            {
                await output.WriteAsync(buffer.AsMemory(0, length), cancellationToken);
                total += length;
                if (progress is not null)
                    await progress(length);
            }
        }
        catch
        {
            // Disposing would complete the copy with half of the rows.
            await GiveUpAsync(output);
            throw;
        }
        return total;
    }

    /// <summary>Ends a copy without its rows. A copy whose connection is lost has ended, and its first error is the one to tell.</summary>
    public static async Task GiveUpAsync(NpgsqlRawCopyStream output)
    {
        try
        {
            await output.CancelAsync();
        }
        catch (Exception e) when (e is ObjectDisposedException or NpgsqlException or IOException) { }
    }

    /// <summary>The bytes that a COPY … TO STDOUT sends.</summary>
    public static async Task<NpgsqlRawCopyStream> ReadAsync(
        NpgsqlConnection source,
        string read,
        bool binary,
        CancellationToken cancellationToken
    ) =>
        binary
            ? await source.BeginRawBinaryCopyAsync(read, cancellationToken)
            : (NpgsqlRawCopyStream)
                ((StreamReader)await source.BeginTextExportAsync(read, cancellationToken)).BaseStream;

    /// <summary>Takes the bytes of a COPY … FROM STDIN.</summary>
    public static async Task<NpgsqlRawCopyStream> WriteAsync(
        NpgsqlConnection target,
        string write,
        bool binary,
        CancellationToken cancellationToken
    ) =>
        binary
            ? await target.BeginRawBinaryCopyAsync(write, cancellationToken)
            : (NpgsqlRawCopyStream)
                ((StreamWriter)await target.BeginTextImportAsync(write, cancellationToken)).BaseStream;

    static bool IsBinary(string copy) => copy.Contains("(FORMAT BINARY", StringComparison.Ordinal);
}
