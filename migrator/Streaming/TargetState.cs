namespace Migrator.Streaming;

/// <summary>How the target stands when the stream writes to it.</summary>
public enum TargetState
{
    /// <summary>
    /// The target holds rows of different moments, from the snapshots of the copy: a change may find what a later
    /// change has already done.
    /// </summary>
    Mixed,

    /// <summary>The target is the source at an earlier position, and all constraints are in force.</summary>
    Consistent,
}
