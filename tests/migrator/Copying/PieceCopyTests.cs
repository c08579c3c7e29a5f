using System.Buffers.Binary;
using Migrator.Copying;
using Migrator.Tests.Support;
using Npgsql;

namespace Migrator.Tests.Copying;

/// <summary>A copy is cut between rows, wherever its blocks end, and holds no transaction longer than it says.</summary>
public sealed class PieceCopyTests(Servers servers)
{
    const string Rows = """
        CREATE TABLE source (id int, note text, data bytea, none int, list text[]);
        CREATE TABLE target (LIKE source);
        INSERT INTO source
        SELECT n, nullif(repeat(E'line\n\\', n % 50), ''), decode(repeat('ff', n % 7), 'hex'), NULL, ARRAY['a', E'b\n']
        FROM generate_series(1, 4000) n;
        INSERT INTO source VALUES (5000, repeat('x', 600000), NULL, NULL, NULL), (5001, NULL, NULL, NULL, NULL);
        """;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Every_row_arrives_once_however_often_it_is_cut(bool binary)
    {
        await using var database = await servers.NewDatabaseAsync();
        await database.ExecuteAsync(Rows);
        await using var source = await database.OpenAsync();
        await using var target = await database.OpenAsync();
        var pieces = new CountedPieces(target, binary);

        await CopyAsync(source, pieces, binary, TimeSpan.Zero, _ => ValueTask.CompletedTask);

        Assert.True(pieces.Count > 5, $"{pieces.Count} pieces");
        Assert.Equal(
            0,
            await database.ScalarAsync<long>("SELECT count(*) FROM (TABLE source EXCEPT ALL TABLE target) missing")
        );
        Assert.Equal(4002, await database.ScalarAsync<long>("SELECT count(*) FROM target"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_session_that_ends_in_the_copy_is_told_as_such(bool binary)
    {
        await using var database = await servers.NewDatabaseAsync();
        await database.ExecuteAsync(Rows);
        await using var source = await database.OpenAsync();
        await using var target = await database.OpenAsync();
        var pieces = new CountedPieces(target, binary);

        var failure = await Assert.ThrowsAnyAsync<Exception>(() =>
            CopyAsync(
                source,
                pieces,
                binary,
                TimeSpan.FromHours(1),
                async _ => await database.ExecuteAsync($"SELECT pg_terminate_backend({target.ProcessID}, 5000)")
            )
        );

        Assert.True(failure is NpgsqlException or IOException, $"{failure}");
    }

    [Fact]
    public async Task No_transaction_is_open_while_a_limit_holds_the_copy_up()
    {
        await using var database = await servers.NewDatabaseAsync();
        await database.ExecuteAsync(Rows);
        await using var source = await database.OpenAsync();
        await using var target = await database.OpenAsync();
        var pieces = new CountedPieces(target, true);
        var blocks = 0;

        await CopyAsync(
            source,
            pieces,
            true,
            TimeSpan.FromMilliseconds(1),
            // The first block's rows are held up until nothing is open any more: for ever, if the copy waited with them.
            async _ =>
            {
                if (blocks++ == 0)
                    await Waiting.UntilAsync(() => !pieces.IsOpen);
            }
        );

        Assert.Equal(4002, await database.ScalarAsync<long>("SELECT count(*) FROM target"));
    }

    // Blocks of every size, and rows at every place of them.
    [Fact]
    public void A_row_that_lies_in_two_blocks_ends_in_the_second()
    {
        var row = new byte[2 + 4 + 3 + 4];
        BinaryPrimitives.WriteInt16BigEndian(row, 2);
        BinaryPrimitives.WriteInt32BigEndian(row.AsSpan(2), 3);
        BinaryPrimitives.WriteInt32BigEndian(row.AsSpan(9), -1);
        byte[] copy = [.. RowBoundaries.Header, .. row, .. row, .. row, .. RowBoundaries.Trailer];
        var ends = Enumerable.Range(0, 4).Select(n => RowBoundaries.Header.Length + n * row.Length).ToArray();
        for (var size = 1; size <= copy.Length; size++)
        {
            var rows = new RowBoundaries(binary: true);
            for (var at = 0; at < copy.Length; at += size)
            {
                var length = Math.Min(size, copy.Length - at);
                var expected = ends.Where(end => end > at && end <= at + length)
                    .Select(end => (int?)end)
                    .LastOrDefault();
                Assert.Equal(expected - at, rows.Last(copy.AsSpan(at, length)));
            }
        }
    }

    static Task<long> CopyAsync(
        NpgsqlConnection source,
        CountedPieces pieces,
        bool binary,
        TimeSpan longest,
        Func<long, ValueTask> pass
    ) =>
        PieceCopy.RunAsync(
            source,
            $"COPY source TO STDOUT (FORMAT {(binary ? "BINARY" : "TEXT")})",
            binary,
            pieces,
            longest,
            pass,
            TimeProvider.System,
            TestContext.Current.CancellationToken
        );

    sealed class CountedPieces(NpgsqlConnection target, bool binary) : IPieces
    {
        public int Count { get; private set; }

        public bool IsOpen { get; private set; }

        public async Task<NpgsqlRawCopyStream> BeginAsync(CancellationToken cancellationToken)
        {
            IsOpen = true;
            return await RawCopy.WriteAsync(
                target,
                $"COPY target FROM STDIN (FORMAT {(binary ? "BINARY" : "TEXT")})",
                binary,
                cancellationToken
            );
        }

        public async Task EndAsync(NpgsqlRawCopyStream output, bool isLast, CancellationToken cancellationToken)
        {
            await output.DisposeAsync();
            Count++;
            IsOpen = false;
        }
    }
}
