// report.mjs FOLDER prints a promotion's report as Markdown: a table and a timeline of the phases, the checks, and what went wrong.
// FOLDER holds, at any depth, timeline.jsonl (of timed.sh) and other *.jsonl files (of run-migrator.sh).
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";

const { SLUG, COMMIT = "", RESOLVED = "success", VALIDATED = "success", PLANNED = "success", PROMOTED = "success", CUT_OVER = "success", REFUSAL = "",
  TITLE = "Promotion" } = process.env;

const folder = process.argv[2];
// A run that stopped early left nothing.
const all = existsSync(folder) ? readdirSync(folder, { recursive: true }).sort() : [];
const files = all.filter((name) => name.endsWith(".jsonl"));
// A run that was cut off may leave half a line.
const parsed = (line) => { try { return [JSON.parse(line)].filter((entry) => entry instanceof Object); } catch { return []; } };
const lines = (name) => readFileSync(join(folder, name), "utf8").split("\n").flatMap(parsed);

const steps = files.filter((name) => basename(name) === "timeline.jsonl").flatMap(lines);
const entries = files.filter((name) => basename(name) !== "timeline.jsonl").flatMap(lines);
const events = entries.map((entry) => ({ at: entry.timestamp, severity: entry.severity, ...entry.jsonPayload }));

const phases = steps.map((step) => ({ section: "Workflow", name: step.name, from: step.started, to: step.ended, failed: step.status !== 0 }));
const open = new Map();
for (const event of events) {
  if (event.event === "phase_started") {
    // Cloud Run started the job again: what was open then had failed.
    if (open.has(event.phase)) phases.push({ section: "Migrator", name: event.phase, from: open.get(event.phase), to: event.at, failed: true });
    open.set(event.phase, event.at);
  }
  if (event.event === "phase_ended") {
    phases.push({ section: "Migrator", name: event.phase, from: open.get(event.phase) ?? event.at, to: event.at, failed: false });
    open.delete(event.phase);
  }
  if (event.event === "phase_kept") phases.push({ section: "Migrator", name: event.phase, from: event.at, to: event.at, failed: false, note: "done by an earlier run" });
}
// A phase that began and never ended is the one that failed.
const last = events.at(-1)?.at;
for (const [phase, at] of open) phases.push({ section: "Migrator", name: phase, from: at, to: last ?? at, failed: true });

// What a rehearsal measured is in the words with which its phase ended.
const measured = events.findLast((event) => event.event === "phase_ended" && event.phase === "rehearse");
const checks = events.filter((event) => event.event === "check");
const complaints = events
  .filter((event) => ["WARNING", "ERROR", "CRITICAL"].includes(event.severity) && event.event !== "check")
  .map((event) => event.message)
  .concat(entries.filter((entry) => entry.severity === "ERROR").map((entry) => entry.textPayload))
  .filter(Boolean);

// What a log says is data: no markup of it may become ours.
const plain = (text) => String(text).replace(/[\r\n]+/g, " ").replace(/[&<>|`\[\]@#*_\\]/g, (c) => `&#${c.charCodeAt(0)};`).slice(0, 500);
const label = (text) => String(text).replace(/[^\p{L}\p{N} .-]/gu, " ").slice(0, 60).trim() || "phase";
const seconds = (phase) => ((Date.parse(phase.to) - Date.parse(phase.from)) / 1000).toFixed(1);
const stopped = [["resolve", RESOLVED], ["validate", VALIDATED], ["plan", PLANNED], ["promote", PROMOTED], ["cut over", CUT_OVER]]
  .find(([, result]) => result !== "success");
const locked = all.filter((name) => name.endsWith(".txt")).some((name) => readFileSync(join(folder, name), "utf8").includes("currently locked"));

const out = [];
out.push(`### ${TITLE}${SLUG ? ` of \`${label(SLUG)}\`` : ""} ${stopped ? `did not finish (${stopped[0]}: ${label(stopped[1])})` : "is done"}`, "");
if (COMMIT) out.push(`Commit ${label(COMMIT)}.`, "");
if (stopped?.[0] === "resolve")
  out.push(REFUSAL ? plain(REFUSAL) : "It ended before a tenant was found, and not by a refusal: a build, the network or the machine. Its log says which.", "");
else if (stopped && entries.length === 0 && stopped[0] !== "plan" && !locked)
  out.push("Nothing that the migrator logged arrived here. The log of the job says what stopped it.", "");
if (locked)
  out.push("The stack is locked by a run that died. Look that none is under way, run the workflow *Unlock*, then put the label on again.", "");

if (measured) out.push(`${plain(measured.message)}.`, "");

if (phases.length > 0) {
  out.push("| | phase | result | seconds |", "|---|---|---|---:|");
  for (const phase of phases) out.push(`| ${phase.section} | ${plain(phase.name)} | ${phase.failed ? "**failed**" : phase.note ?? "done"} | ${seconds(phase)} |`);
  out.push("", "```mermaid", "gantt", "  dateFormat x", "  axisFormat %H:%M:%S");
  for (const section of ["Workflow", "Migrator"]) {
    const own = phases.filter((phase) => phase.section === section);
    if (own.length > 0) out.push(`  section ${section}`);
    for (const phase of own) out.push(`  ${label(phase.name)} :${phase.failed ? "crit" : "done"}, ${Date.parse(phase.from)}, ${Date.parse(phase.to)}`);
  }
  out.push("```", "");
}

if (checks.length > 0) {
  out.push("| area | check | outcome |", "|---|---|---|");
  for (const check of checks) out.push(`| ${plain(check.area)} | ${plain(check.check)} | ${check.outcome === "failed" ? "**failed**" : plain(check.outcome)} |`);
  out.push("");
}

if (complaints.length > 0) {
  out.push("What the migrator said:", "");
  for (const complaint of complaints.slice(-20)) out.push(`- ${plain(complaint)}`);
  out.push("");
}

if (stopped?.[0] === "promote" && TITLE === "Promotion" && !locked)
  out.push("No row is lost. *Re-run failed jobs* on this run goes on where it stopped, and so does the label put on again as long as "
    + "the tenant is not isolated. The workflow *Roll back* takes it back.", "");
else if (stopped?.[0] === "cut over" && TITLE === "Promotion" && !locked)
  out.push("No row is lost. The tenant holds before its cutover, or has moved: the log says which. *Re-run failed jobs* asks for the "
    + "approval again and goes on. The workflow *Roll back* takes it back.", "");
else if (stopped?.[0] === "promote" && TITLE === "Rehearsal" && !locked)
  out.push("The tenant is where it was. *Re-run failed jobs* rehearses again, and undoes what a run that died has left; the workflow "
    + "*Roll back* undoes it as well.", "");
else if (stopped && stopped[0] !== "promote" && ["Promotion", "Rehearsal"].includes(TITLE)) out.push("Nothing was changed.", "");
console.log(out.join("\n"));
