using Migrator.Model;

namespace Migrator.Messages;

/// <summary>Why metrics cannot be offered or sent.</summary>
static class MetricsMessages
{
    public const string ListenInvalid =
        "--metrics-listen is a port, or an address of this machine and a port, as in 9464, 10.0.0.5:9464 or *:9464.";

    public const string NameUnknown = "the host's name leads to no address that can be listened on";

    public static MigratorException CannotListen(string address, string why, Exception inner) =>
        new(
            ExitCode.Usage,
            $"Metrics cannot be offered on {address}: {why.TrimEnd('.')}. Nothing was changed. "
                + "Name another address with --metrics-listen, or leave the option out.",
            inner
        );

    public static MigratorException NoEndpoint(string variable, string value) =>
        MigratorException.Usage(
            $"{variable} is no http or https URL: '{value}'. Nothing was changed. "
                + "Write it as in http://localhost:4317, or leave the variable out."
        );

    public static MigratorException NoProtocol(string variable, string value) =>
        MigratorException.Usage(
            $"{variable} is '{value}'. Nothing was changed. The migrator speaks grpc and http/protobuf."
        );
}
