using System.CommandLine;
using Migrator.Connections;
using Migrator.Messages;
using Migrator.Reporting;
using Migrator.Terminal;

namespace Migrator.Commands;

/// <summary>The file that <c>--report</c> names.</summary>
static class ReportFile
{
    const string Html = ".html";

    /// <summary>Markdown, or HTML by its name.</summary>
    public static Option<FileInfo?> Option() =>
        Checked(
            "Write the report to this file: as one HTML file if its name ends in .html, as Markdown otherwise.",
            isHtml: false
        );

    /// <summary>HTML only.</summary>
    public static Option<FileInfo?> HtmlOption() =>
        Checked("Write the report as one HTML file, as in report.html.", isHtml: true);

    // Before anything is done: afterwards it would be too late to tell.
    static Option<FileInfo?> Checked(string description, bool isHtml)
    {
        var option = new Option<FileInfo?>("--report") { Description = description };
        option.Validators.Add(result =>
        {
            if (result.Tokens is not [var token])
                return;
            var file = new FileInfo(token.Value);
            if (file.Directory is not { Exists: true } || Directory.Exists(file.FullName))
                result.AddError(UsageMessages.ReportNowhere(token.Value));
            else if (isHtml && !IsHtml(file))
                result.AddError(UsageMessages.ReportNotHtml(token.Value));
        });
        return option;
    }

    /// <summary>Writes the report of what was done, if a file was named.</summary>
    /// <param name="verb">What was done, as a noun.</param>
    /// <param name="markdown">Null where there is none.</param>
    public static async Task WriteAsync(
        FileInfo? file,
        ConsoleOutput terminal,
        Databases databases,
        string verb,
        StatusDocument status,
        Func<PromotionReport, string>? markdown,
        CancellationToken cancellationToken
    )
    {
        if (file is null)
            return;
        var report = await PromotionReport.ReadAsync(databases, status.TenantId, cancellationToken);
        var text =
            markdown is not null && !IsHtml(file)
                ? markdown(report)
                : new HtmlReport(
                    verb,
                    status with
                    {
                        Warnings = [.. status.Warnings.Select(terminal.Advice.In)],
                        NextSteps = [.. status.NextSteps.Select(terminal.Advice.In)],
                    },
                    report.ToSection(),
                    report.PauseParts,
                    CommonOptions.User,
                    terminal.Clock.GetUtcNow()
                ).ToString();
        await File.WriteAllTextAsync(file.FullName, text, cancellationToken);
    }

    static bool IsHtml(FileInfo file) => file.Extension.Equals(Html, StringComparison.OrdinalIgnoreCase);
}
