namespace Migrator.Governing;

/// <summary>How much a run may load the shared server; 0 stands for no limit.</summary>
/// <param name="MaxRate">Bytes per second that the copy may take, over all workers.</param>
/// <param name="MaxReplicaLag">Bytes that a physical standby may be behind; null for the default.</param>
/// <param name="MaxActiveSessions">Sessions of others that may be running a statement.</param>
/// <param name="Query">See <see cref="ThrottleQuery"/>; null for none.</param>
public sealed record LoadLimits(long MaxRate, long? MaxReplicaLag, int MaxActiveSessions, string? Query = null);
