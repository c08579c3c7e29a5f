namespace Migrator.Demo;

/// <summary>The load of the application.</summary>
/// <param name="Writers">Writers of the tenant that moves.</param>
/// <param name="Rate">Transactions per second of all writers of the moving tenant.</param>
/// <param name="OtherTenants">Tenants that stay; each has one writer.</param>
/// <param name="OtherRate">Transactions per second of all other tenants.</param>
public sealed record ApplicationLoad(
    int Writers = 4,
    int Rate = 200,
    int OtherTenants = 3,
    int OtherRate = 100,
    int Seed = 1
);
