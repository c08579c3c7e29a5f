using Migrator.Messages;
using Migrator.Model;

namespace Migrator.Settings;

/// <summary>The section <c>hooks</c> of tenancy.json.</summary>
static class HookSettings
{
    static readonly string[] Keys = ["name", "on", "run", "url", "secret", "timeout", "stalled_after"];

    /// <param name="section">Null where the file has none.</param>
    /// <param name="faults">Takes one sentence for each thing that is wrong.</param>
    public static IReadOnlyList<Hook> Read(SettingNode? section, List<string> faults)
    {
        var hooks = new List<Hook>();
        foreach (var item in section?.Items ?? [])
        {
            if (item.Fields is null)
                faults.Add(UsageMessages.SettingOfOtherType(item.Place, "hooks[]", "an object in braces"));
            else if (Parse(item, faults) is not { } hook)
                continue;
            else if (hooks.Any(one => one.Name == hook.Name))
                faults.Add(HookMessages.NameTwice(item.Place, hook.Name));
            else
                hooks.Add(hook);
        }
        return hooks;
    }

    static Hook? Parse(SettingNode item, List<string> faults)
    {
        var before = faults.Count;
        foreach (var (key, value) in item.Fields!.Where(field => !Keys.Contains(field.Key)))
            faults.Add(UsageMessages.SettingUnknown(value.Place, $"hooks[].{key}", Keys));
        foreach (var twice in item.Fields!.GroupBy(field => field.Key).Where(group => group.Count() > 1))
            faults.Add(UsageMessages.SettingTwice(twice.Last().Value.Place, $"hooks[].{twice.Key}"));
        var hook = new Hook(Name(item, faults), Events(item, faults));
        hook = Target(item, hook, faults);
        hook = hook with
        {
            Timeout = Time(item["timeout"], hook.Timeout, Hook.LongestTimeout, faults),
            StalledAfter = Time(item["stalled_after"], hook.StalledAfter, TimeSpan.FromDays(1), faults),
        };
        return faults.Count == before ? hook : null;
    }

    static string Name(SettingNode item, List<string> faults)
    {
        if (item["name"] is { Text: { Length: > 0 and <= 40 } name } && !name.Any(char.IsControl))
            return name;
        faults.Add(HookMessages.NameNeeded((item["name"] ?? item).Place));
        return "";
    }

    static string[] Events(SettingNode item, List<string> faults)
    {
        if (item["on"] is not { Items: { Count: > 0 } items })
        {
            faults.Add(HookMessages.EventsNeeded((item["on"] ?? item).Place));
            return [];
        }
        foreach (var wrong in items.Where(one => one.Text is null || !HookEvent.All.Contains(one.Text)))
            faults.Add(HookMessages.EventUnknown(wrong.Place, wrong.Text));
        return [.. items.Select(one => one.Text).OfType<string>().Distinct()];
    }

    static Hook Target(SettingNode item, Hook hook, List<string> faults)
    {
        switch (item["run"], item["url"])
        {
            case ({ } run, null):
                if (item["secret"] is { } secret)
                    faults.Add(HookMessages.SecretOfAProgram(secret.Place));
                if (run.Items is { Count: > 0 } words && words.All(word => word.Text is not null))
                    return hook with { Run = [.. words.Select(word => word.Text!)] };
                faults.Add(HookMessages.ProgramUnreadable(run.Place));
                return hook;
            case (null, { } url):
                if (item["secret"] is not { Text: { Length: > 0 } variable })
                    faults.Add(HookMessages.SecretNeeded((item["secret"] ?? url).Place));
                else
                    hook = hook with { Secret = variable };
                if (IsUsable(url.Text, out var parsed))
                    return hook with { Url = parsed };
                faults.Add(HookMessages.UrlUnreadable(url.Place));
                return hook;
            default:
                faults.Add(HookMessages.TargetNeeded(item.Place));
                return hook;
        }
    }

    // Without TLS only to this machine. A password in a URL would end up in messages.
    static bool IsUsable(string? text, out Uri? url) =>
        Uri.TryCreate(text, UriKind.Absolute, out url)
        && url.UserInfo.Length == 0
        && (url.Scheme == Uri.UriSchemeHttps || (url.Scheme == Uri.UriSchemeHttp && url.IsLoopback));

    static TimeSpan Time(SettingNode? value, TimeSpan otherwise, TimeSpan longest, List<string> faults)
    {
        if (value is null)
            return otherwise;
        if (Duration.TryParse(value.Text ?? "", longest, out var time))
            return time;
        faults.Add(HookMessages.TimeUnreadable(value.Place, longest));
        return otherwise;
    }
}
