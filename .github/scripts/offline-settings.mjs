// offline-settings.mjs FILE PROJECT takes out of a stack's file what only its own state and keys could read: secrets, where they are kept
// and the platform's stack, whose outputs are replaced by made-up ones. Region and registry are those of the stack's images. What the
// platform's own stack leaves out is made up likewise.
import { readFileSync, writeFileSync } from "node:fs";

const [path, program = "tenant"] = process.argv.slice(2);
const kept = [];
let secret = false;
for (const line of readFileSync(path, "utf8").split("\n")) {
  if (/^(secretsprovider|encryptedkey|encryptionsalt):/.test(line) || /^\s+tenant:platformStack:/.test(line)) continue;
  // A secret is a key with its ciphertext below it.
  if (/^\s+secure:/.test(line)) {
    kept.pop();
    secret = true;
    continue;
  }
  if (secret && /^\s{6,}/.test(line)) continue;
  secret = false;
  kept.push(line);
}

const text = kept.join("\n").trimEnd();
const registry = /^\s+tenant:apiImage:\s*["']?(([a-z0-9-]+)-docker\.pkg\.dev\/([a-z0-9-]+)\/[a-z0-9-]+)\//m.exec(text);
const [repository, region, project] = registry ? registry.slice(1) : ["europe-west3-docker.pkg.dev/preview-project/images", "europe-west3", "preview-project"];
const made = program === "platform" ? {
  project, projectNumber: '"100000000000"', region, dnsDomain: "preview.example.com.", billingAccount: "000000-000000-000000",
  alertEmail: "preview@example.com", repository: "owner/name", repositoryId: '"1"', sharedDatabaseHost: "10.0.0.2",
} : {
  project, region, network: `projects/${project}/global/networks/preview`,
  subnetwork: `projects/${project}/regions/${region}/subnetworks/preview`, privateServicesRange: "preview", dnsZone: "preview",
  dnsDomain: "preview.example.com.", notificationChannels: `[projects/${project}/notificationChannels/1]`, artifactRegistry: repository,
  billingAccount: "000000-000000-000000", sharedDatabaseHost: "10.0.0.2", sharedDatabaseSecret: "preview",
  sharedDatabaseCaSecret: "preview", projectNumber: '"100000000000"',
  dataKeyRing: `projects/${project}/locations/${region}/keyRings/preview`,
};
const missing = Object.entries(made).filter(([key]) => !new RegExp(`^\\s+${program}:${key}:`, "m").test(text));
writeFileSync(path, `${text}\n${missing.map(([key, value]) => `  ${program}:${key}: ${value}\n`).join("")}`);
