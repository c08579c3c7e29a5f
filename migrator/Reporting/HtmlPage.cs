using System.Globalization;
using System.Xml;
using System.Xml.Linq;

namespace Migrator.Reporting;

/// <summary>
/// One HTML file that needs nothing else: no script, no font, no address. It is well-formed XML, and everything that is
/// put in is escaped.
/// </summary>
static class HtmlPage
{
    const string Style = """
        body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222 }
        h1 { font-size: 1.6rem } h2 { font-size: 1.15rem; margin-top: 2rem; border-bottom: 1px solid #ccc }
        table { border-collapse: collapse; width: 100% } tr { break-inside: avoid }
        th, td { overflow-wrap: anywhere; text-align: left; padding: .2rem .6rem; border-bottom: 1px solid #eee; vertical-align: top }
        body > table td:first-child { white-space: nowrap; width: 1% }
        td.number, th.number { text-align: right; font-variant-numeric: tabular-nums }
        td.failed { color: #a00; font-weight: bold } svg { width: 100%; height: 1rem; display: block }
        rect { fill: #4a7db5 } code { overflow-wrap: anywhere } p.warning { border-left: 3px solid #c80; padding-left: .6rem }
        @media (prefers-color-scheme: dark) { body { background: #181818; color: #ddd } td, th { border-color: #333 } }
        @media print {
          body { font-size: 10pt; margin: 0; max-width: none; background: none; color: #000 }
          h2 { break-after: avoid } td, th { border-color: #999 }
        }
        """;

    public static string Of(string title, params IEnumerable<XElement?> sections)
    {
        var page = new XElement(
            "html",
            new XAttribute("lang", "en"),
            new XElement(
                "head",
                new XElement("meta", new XAttribute("charset", "utf-8")),
                new XElement(
                    "meta",
                    new XAttribute("name", "viewport"),
                    new XAttribute("content", "width=device-width, initial-scale=1")
                ),
                new XElement("title", title),
                new XElement("style", Style)
            ),
            new XElement("body", new XElement("h1", title), sections)
        );
        // Names in a database may have characters that no document may have.
        foreach (var text in page.DescendantNodes().OfType<XText>().ToArray())
            text.Value = string.Concat(text.Value.Select(sign => IsWritable(sign) ? sign : '\uFFFD'));
        return $"<!DOCTYPE html>\n{page}\n";
    }

    public static XElement Section(string title, params object?[] content) =>
        new("section", new XElement("h2", title), content);

    /// <summary>Cells that are numbers stand at the right.</summary>
    public static XElement Table(IReadOnlyList<string> columns, IEnumerable<IReadOnlyList<object>> rows)
    {
        var all = rows.ToArray();
        var body = all.Select(row => new XElement("tr", row.Select(cell => Cell("td", cell, cell))));
        var first = all.FirstOrDefault();
        var head = columns.Select((column, i) => Cell("th", column, first?[i] ?? column));
        return new("table", new XElement("thead", new XElement("tr", head)), new XElement("tbody", body));
    }

    /// <summary>A bar within the width of a table's cell.</summary>
    /// <param name="from">Where it begins, of a whole of 1, as is its length.</param>
    public static XElement Bar(double from, double length) =>
        new(
            "svg",
            new XAttribute("viewBox", "0 0 100 10"),
            new XAttribute("preserveAspectRatio", "none"),
            new XElement(
                "rect",
                new XAttribute("x", Number(from * 100)),
                new XAttribute("width", Number(Math.Max(length * 100, 0.3))),
                new XAttribute("height", "10")
            )
        );

    static XElement Cell(string name, object cell, object kind) =>
        cell is XElement element && element.Name == "td"
            ? element
            : new(name, kind is int or long or double ? new XAttribute("class", "number") : null, Shown(cell));

    static object Shown(object cell) =>
        cell switch
        {
            long number => number.ToString("N0", CultureInfo.InvariantCulture),
            int number => number.ToString("N0", CultureInfo.InvariantCulture),
            double number => number.ToString("N1", CultureInfo.InvariantCulture),
            _ => cell,
        };

    static bool IsWritable(char sign) => XmlConvert.IsXmlChar(sign) || char.IsSurrogate(sign);

    static string Number(double value) => value.ToString("0.##", CultureInfo.InvariantCulture);
}
