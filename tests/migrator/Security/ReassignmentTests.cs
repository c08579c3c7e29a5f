using System.Text;
using Migrator.Streaming;
using Migrator.Tests.Support;

namespace Migrator.Tests.Security;

/// <summary>What stands in the log under the guard's name is the guard's, or is passed over.</summary>
[EveryVersion]
public sealed class ReassignmentTests(Servers servers)
{
    const string Secret = "c9f4b2b8-7d0e-4b8a-9a53-1f5f5f0f3c11";

    const string Good = """{"tenant": "1", "schema": "public", "table": "items", "old": ["7"], "new": ["ü"]}""";

    [Fact]
    public void A_message_with_its_proof_is_read()
    {
        var read = Reassignment.Read(Proved(Good), Secret)!;

        Assert.Equal(("1", "public", "items"), (read.Tenant, read.Table.Schema, read.Table.Name));
        Assert.Equal(["7", "ü"], (string[])[.. read.Old.Values, .. read.New.Values]);
    }

    [Fact]
    public async Task The_server_computes_the_same_proof()
    {
        await using var move = await TenantMove.CreateAsync(servers, "");
        await move.PromoteAsync(stopBefore: "copy", validate: false);

        var proof = await move.Shared.ScalarAsync<string>(
            "SELECT tenant_promotion.proof(@Secret, 'moved ' || @Good)",
            new { Secret, Good }
        );

        Assert.Equal(proof, Encoding.ASCII.GetString(Reassignment.Proof(Secret, Encoding.UTF8.GetBytes(Good))));
    }

    [Theory]
    [InlineData("garbage")]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("""{"tenant": 1, "schema": "public", "table": "items", "old": ["1"], "new": ["1"]}""")]
    [InlineData("""{"tenant": "1", "schema": null, "table": "items", "old": ["1"], "new": ["1"]}""")]
    [InlineData("""{"tenant": "1", "schema": "public", "table": "items", "old": ["1"], "new": [null]}""")]
    [InlineData("""{"tenant": "1", "schema": "public", "table": "items", "old": "1", "new": ["1"]}""")]
    public void Without_a_proof_nothing_is_believed_and_with_one_only_what_can_be_read(string text)
    {
        Assert.Null(Reassignment.Read(Encoding.UTF8.GetBytes(text), Secret));
        Assert.Null(Reassignment.Read(Encoding.UTF8.GetBytes(new string('0', 64) + text), Secret));
        Assert.Null(Reassignment.Read(Proved(text), "another secret"));
        Assert.Null(Reassignment.Read(Proved(text), null));
        Assert.Throws<FormatException>(() => Reassignment.Read(Proved(text), Secret));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Whatever_bytes_come_are_read_passed_over_or_called_unreadable(int seed)
    {
        var random = new Random(seed);
        var read = 0;
        for (var round = 0; round < 20_000; round++)
        {
            var said = Mangled(random);
            byte[] content = random.Next(3) == 0 ? said : [.. Reassignment.Proof(Secret, said), .. said];
            try
            {
                if (Reassignment.Read(content, Secret) is not null)
                    read++;
            }
            catch (FormatException) { }
        }
        Assert.InRange(read, 1, 19_999);
    }

    static byte[] Proved(string text)
    {
        var said = Encoding.UTF8.GetBytes(text);
        return [.. Reassignment.Proof(Secret, said), .. said];
    }

    // The good message with a few bytes changed, removed or put in, or bytes that are no message at all.
    static byte[] Mangled(Random random)
    {
        var bytes = Encoding.UTF8.GetBytes(Good).ToList();
        if (random.Next(10) == 0)
            bytes = [.. Enumerable.Range(0, random.Next(200)).Select(_ => (byte)random.Next(256))];
        for (var edits = random.Next(4); edits > 0 && bytes.Count > 0; edits--)
        {
            var at = random.Next(bytes.Count);
            switch (random.Next(4))
            {
                case 0:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 1:
                    bytes.RemoveAt(at);
                    break;
                case 2:
                    bytes.Insert(at, (byte)"\"[]{}:,0n\\"[random.Next(10)]);
                    break;
                default:
                    bytes.RemoveRange(at, bytes.Count - at);
                    break;
            }
        }
        return [.. bytes];
    }
}
