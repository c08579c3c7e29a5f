using System.Buffers;
using Npgsql;

namespace Migrator.Copying;

/// <summary>Where a copy writes: one transaction after the other.</summary>
interface IPieces
{
    /// <summary>Begins a transaction with a COPY in it.</summary>
    Task<NpgsqlRawCopyStream> BeginAsync(CancellationToken cancellationToken);

    /// <summary>Ends the COPY and commits.</summary>
    /// <param name="isLast">All rows have been written.</param>
    Task EndAsync(NpgsqlRawCopyStream output, bool isLast, CancellationToken cancellationToken);
}

/// <summary>
/// Copies rows in transactions that do not last long. Whoever creates a slot on the same server waits for every open
/// transaction that writes, also for one in another database: another tenant's promotion would wait for the whole table.
/// </summary>
static class PieceCopy
{
    const int BufferSize = 128 * 1024;

    /// <param name="longest">How long a transaction of the target may last.</param>
    /// <param name="pass">Told of each block's bytes; the next one waits for it, as a limit demands.</param>
    /// <returns>Bytes sent.</returns>
    public static async Task<long> RunAsync(
        NpgsqlConnection source,
        string read,
        bool binary,
        IPieces pieces,
        TimeSpan longest,
        Func<long, ValueTask> pass,
        TimeProvider clock,
        CancellationToken cancellationToken
    )
    {
        var buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        var rows = new RowBoundaries(binary);
        NpgsqlRawCopyStream? output = null;
        try
        {
            await using var input = await RawCopy.ReadAsync(source, read, binary, cancellationToken);
            var began = clock.GetTimestamp();
            long total = 0;
            int length;
            output = await pieces.BeginAsync(cancellationToken);
            while ((length = await ReadAsync(input, buffer.AsMemory(0, BufferSize), cancellationToken)) > 0)
            {
                var block = buffer.AsMemory(0, length);
                total += length;
                var passed = pass(length).AsTask();
                var end = rows.Last(block.Span);
                if (end is { } cut && !await IsInTimeAsync(passed, longest - clock.GetElapsedTime(began), clock))
                {
                    await output.WriteAsync(block[..cut], cancellationToken);
                    if (binary)
                        await output.WriteAsync(RowBoundaries.Trailer, cancellationToken);
                    (var ending, output) = (output, null);
                    await pieces.EndAsync(ending, isLast: false, cancellationToken);
                    await passed;
                    output = await pieces.BeginAsync(cancellationToken);
                    began = clock.GetTimestamp();
                    if (binary)
                        await output.WriteAsync(RowBoundaries.Header, cancellationToken);
                    block = block[cut..];
                }
                await passed;
                await output.WriteAsync(block, cancellationToken);
            }
            // The source's connection is asked for more in the last piece.
            await input.DisposeAsync();
            // From here on disposing ends the copy, whoever does it.
            (var finished, output) = (output, null);
            await pieces.EndAsync(finished, isLast: true, cancellationToken);
            return total;
        }
        finally
        {
            // Disposing would complete the copy with half of the rows.
            if (output is not null)
                await RawCopy.GiveUpAsync(output);
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    // The server sends a message for each row: those that have arrived go on together.
    static async ValueTask<int> ReadAsync(Stream input, Memory<byte> block, CancellationToken cancellationToken)
    {
        var filled = 0;
        while (filled < block.Length)
        {
            var reading = input.ReadAsync(block[filled..], cancellationToken);
            var isLast = filled > 0 && !reading.IsCompleted;
            var length = await reading;
            filled += length;
            if (isLast || length == 0)
                break;
        }
        return filled;
    }

    // A limit may hold the copy up for minutes; the transaction does not wait with it.
    static async Task<bool> IsInTimeAsync(Task passed, TimeSpan left, TimeProvider clock)
    {
        if (left <= TimeSpan.Zero)
            return false;
        if (passed.IsCompleted)
            return true;
        return await Task.WhenAny(passed, Task.Delay(left, clock)) == passed;
    }
}
