// plan.mjs STACK AFTER.json [BEFORE.json] prints as Markdown what changes, which rules are broken and what it costs a month.
// BEFORE is a preview of what main declares; without it, what AFTER says there is. Both are data: no markup of theirs may become ours.
import { existsSync } from "node:fs";
import { estimate, prices } from "./cost.mjs";
import { violations } from "./policy.mjs";
import { kind, read } from "./resources.mjs";

const [stack, afterPath, beforePath] = process.argv.slice(2);
const plain = (text) => String(text).replace(/[\r\n]+/g, " ").replace(/[&<>|`\[\]@#*_\\]/g, (c) => `&#${c.charCodeAt(0)};`).slice(0, 300);
const out = [`### Preview of \`${stack.replace(/[^a-z0-9.-]/g, "")}\``, ""];
if (!existsSync(afterPath)) {
  out.push("It did not run; the job's log says why.");
} else {
  const after = read(afterPath);
  const compared = beforePath !== undefined;
  const before = compared ? (existsSync(beforePath) ? read(beforePath).planned : []) : after.current;

  const byUrn = (resources) => new Map(resources.map((resource) => [resource.urn, resource]));
  const [old, now] = [byUrn(before), byUrn(after.planned)];
  const paths = (one, other, path = "") => {
    if (JSON.stringify(one) === JSON.stringify(other)) return [];
    if (!(one instanceof Object) || !(other instanceof Object)) return [path];
    return [...new Set([...Object.keys(one), ...Object.keys(other)])].flatMap((key) => paths(one[key], other[key], path ? `${path}.${key}` : key));
  };
  const rows = [];
  for (const resource of now.values())
    if (!old.has(resource.urn)) rows.push(["+", resource, "new"]);
    else if (!compared && /replace/.test(resource.op)) rows.push(["±", resource, "**replaced**"]);
    else {
      const changed = paths(old.get(resource.urn).inputs, resource.inputs);
      if (old.get(resource.urn).protect !== resource.protect) changed.push("protect");
      if (changed.length > 0) rows.push(["~", resource, plain(changed.join(", "))]);
    }
  for (const resource of old.values()) if (!now.has(resource.urn)) rows.push(["−", resource, "**removed**"]);

  if (rows.length === 0) out.push("Nothing changes.", "");
  else {
    out.push("| | resource | what changes |", "|---|---|---|");
    for (const [sign, resource, what] of rows.slice(0, 200)) out.push(`| ${sign} | ${plain(kind(resource))} ${plain(resource.name)} | ${what} |`);
    if (rows.length > 200) out.push("", `And ${rows.length - 200} more.`);
    out.push("");
  }

  const broken = violations(after);
  out.push(broken.length === 0 ? "All rules of docs/security.md hold." : "**Rules that are broken:**", "");
  for (const sentence of broken) out.push(`- ${plain(sentence)}`);
  if (broken.length > 0) out.push("");

  const money = (amount) => amount.toFixed(2);
  const [was, is] = [estimate(before), estimate(after.planned)];
  out.push(`| a month, about, in ${prices.currency} | now | then |`, "|---|---:|---:|");
  const names = [...new Set([...is.lines, ...was.lines].map((line) => line.what))];
  const of = (lines, what) => lines.filter((line) => line.what === what).reduce((sum, line) => sum + line.monthly, 0);
  for (const what of names) out.push(`| ${plain(what)} | ${money(of(was.lines, what))} | ${money(of(is.lines, what))} |`);
  out.push(`| **together** | **${money(was.total)}** | **${money(is.total)}** |`, "");
  out.push(`The difference is ${is.total >= was.total ? "+" : "−"}${money(Math.abs(is.total - was.total))}. `
    + (is.days.length > 0 ? `Prices of ${[...new Set([is.days[0], is.days.at(-1)])].join(" to ")}, from .github/prices.json.` : ""), "");
  for (const remark of is.remarks) out.push(`- ${plain(remark)}`);
}
console.log(out.join("\n"));
