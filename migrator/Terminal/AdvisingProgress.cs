using Migrator.Progress;

namespace Migrator.Terminal;

/// <summary>Passes everything on, sentences with complete commands.</summary>
sealed class AdvisingProgress(IPromotionProgress shown, Advice advice) : RelayedProgress(shown)
{
    public override void Warn(string sentence) => base.Warn(advice.In(sentence));

    public override void Info(string sentence) => base.Info(advice.In(sentence));
}
