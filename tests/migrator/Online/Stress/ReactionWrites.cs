namespace Migrator.Tests.Online.Stress;

/// <summary>Reactions belong to the tenant of their comment's task, and change their key and their comment at once.</summary>
sealed class ReactionWrites(WriterSession session) : TableWrites(session, "reactions")
{
    public override Task ChangeAsync(int tenant)
    {
        if (Any("comments", tenant) is not { } comment)
            return Task.CompletedTask;
        var reaction = Any("reactions", tenant);
        return (reaction is null ? 0 : Random.Next(6)) switch
        {
            < 2 => InsertAsync(comment),
            2 => OneAsync(
                "UPDATE reactions AS t SET kind = @text WHERE id = @Key::uuid",
                new { reaction!.Key, text = NewText() }
            ),
            3 => RekeyAsync(reaction!, comment),
            _ => OneAsync("DELETE FROM reactions AS t WHERE id = @Key::uuid", new { reaction!.Key }),
        };
    }

    Task InsertAsync(HeldRow comment) =>
        OneAsync(
            "INSERT INTO reactions AS t (id, comment_id, kind) VALUES (@id, @Key::bigint, @text)",
            new
            {
                id = Session.NewKey(),
                comment.Key,
                text = NewText(),
            }
        );

    Task RekeyAsync(HeldRow reaction, HeldRow comment)
    {
        Mine.Forget(reaction);
        return OneAsync(
            "UPDATE reactions AS t SET id = @id, comment_id = @comment::bigint WHERE id = @Key::uuid",
            new
            {
                reaction.Key,
                comment = comment.Key,
                id = Session.NewKey(),
            }
        );
    }
}
