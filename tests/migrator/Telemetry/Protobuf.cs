using System.Buffers.Binary;
using System.Text;

namespace Migrator.Tests.Telemetry;

/// <summary>As much of a protobuf message as it takes to look into what was sent by OTLP.</summary>
/// <remarks>https://protobuf.dev/programming-guides/encoding/</remarks>
sealed class Protobuf
{
    readonly List<(int Field, byte[] Value)> fields = [];

    public Protobuf(byte[] message)
    {
        for (var at = 0; at < message.Length; )
        {
            var key = Varint(message, ref at);
            var length = (int)(key & 7) switch
            {
                0 => Skipped(message, at),
                1 => 8,
                2 => (int)Varint(message, ref at),
                5 => 4,
                var kind => throw new InvalidDataException($"Wire type {kind} at {at}"),
            };
            fields.Add(((int)(key >> 3), message[at..(at + length)]));
            at += length;
        }
    }

    /// <summary>The messages at the end of a path of field numbers.</summary>
    public IEnumerable<Protobuf> At(params int[] path) =>
        path.Aggregate(
            (IEnumerable<Protobuf>)[this],
            (found, field) => found.SelectMany(one => one.Bytes(field)).Select(value => new Protobuf(value))
        );

    public IEnumerable<byte[]> Bytes(int field) => fields.Where(one => one.Field == field).Select(one => one.Value);

    public string Text(int field) => Encoding.UTF8.GetString(Bytes(field).SingleOrDefault() ?? []);

    public string Hex(int field) => Convert.ToHexStringLower(Bytes(field).SingleOrDefault() ?? []);

    public long Fixed(int field) => BinaryPrimitives.ReadInt64LittleEndian(Bytes(field).Single());

    public double Double(int field) => BitConverter.Int64BitsToDouble(Fixed(field));

    static ulong Varint(byte[] message, ref int at)
    {
        ulong value = 0;
        for (var shift = 0; ; shift += 7)
        {
            var next = message[at++];
            value |= (ulong)(next & 0x7f) << shift;
            if (next < 0x80)
                return value;
        }
    }

    static int Skipped(byte[] message, int at)
    {
        var end = at;
        Varint(message, ref end);
        return end - at;
    }
}
