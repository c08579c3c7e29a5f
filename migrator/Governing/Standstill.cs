namespace Migrator.Governing;

/// <summary>Something that holds, and is over some time; whoever waits for either sees it at once.</summary>
sealed class Standstill
{
    readonly Lock gate = new();
    TaskCompletionSource begun = New();
    TaskCompletionSource over = Done();

    /// <summary>Ends when it begins.</summary>
    public Task Begun => Volatile.Read(ref begun).Task;

    /// <summary>Ends when it is over.</summary>
    public Task Over => Volatile.Read(ref over).Task;

    public bool Holds => !Over.IsCompleted;

    /// <returns>Whether this changes anything.</returns>
    public bool Set(bool holds)
    {
        lock (gate)
        {
            if (holds == Holds)
                return false;
            if (holds)
                Volatile.Write(ref over, New());
            else
                Volatile.Write(ref begun, New());
            (holds ? begun : over).SetResult();
        }
        return true;
    }

    static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    static TaskCompletionSource Done()
    {
        var done = New();
        done.SetResult();
        return done;
    }
}
