// Estimates what resources cost a month at list prices: what is paid by the hour or by the piece. What is paid by use is not known
// before it is used, and named instead.
import { readFileSync } from "node:fs";
import { at, kind } from "./resources.mjs";

export const prices = JSON.parse(readFileSync(new URL("../prices.json", import.meta.url), "utf8"));

// Gigabytes of memory and CPUs of a Cloud SQL machine.
export function machine(tier) {
  const custom = /^db-custom-(\d+)-(\d+)$/.exec(tier ?? "");
  if (custom) return { cpus: Number(custom[1]), gb: Number(custom[2]) / 1024 };
  const optimized = /^db-perf-optimized-N-(\d+)$/.exec(tier ?? "");
  if (optimized) return { cpus: Number(optimized[1]), gb: Number(optimized[1]) * 8 };
  return undefined;
}

const gibibytes = (memory) => {
  const match = /^(\d+)(Mi|Gi)$/.exec(memory ?? "");
  return match ? Number(match[1]) / (match[2] === "Mi" ? 1024 : 1) : 0;
};

/** Lines of an estimate: { what, monthly }, remarks about what could not be priced, and the days of the prices that were used. */
export function estimate(resources, table = prices) {
  const lines = [], remarks = [];
  const add = (what, monthly) => lines.push({ what, monthly });
  const hours = table.hoursPerMonth;
  const used = new Set();
  const price = (entry) => { used.add(entry); return entry; };
  const regionOf = (region) => {
    const known = table.regions[region];
    if (!known) remarks.push(`No prices for region ${region}: add them to .github/prices.json.`);
    return known;
  };
  const of = (type) => resources.filter((resource) => kind(resource) === type && String(resource.type).startsWith("gcp:"));

  for (const instance of of("DatabaseInstance")) {
    const settings = instance.inputs.settings ?? {};
    const region = regionOf(instance.inputs.region);
    const size = machine(settings.tier);
    if (!region || !size) {
      if (region) remarks.push(`No price for the machine ${settings.tier}.`);
      continue;
    }
    const copies = settings.availabilityType === "REGIONAL" ? 2 : 1;
    const rate = price(settings.edition === "ENTERPRISE_PLUS" ? region.sqlEnterprisePlus : region.sqlEnterprise);
    add(`Cloud SQL ${settings.tier}${copies === 2 ? ", with a standby" : ""}`, copies * hours * (size.cpus * rate.cpuHour + size.gb * rate.gbHour));
    add(`Cloud SQL disk, ${settings.diskSize} GB`, copies * settings.diskSize * price(region.sqlSsd).gbMonth);
    // An upper bound for a disk that is full: backups are incremental and begin with one whole.
    add(`Cloud SQL backups, ${settings.diskSize} GB`, settings.diskSize * price(region.sqlBackup).gbMonth);
  }

  const rules = of("GlobalForwardingRule").length;
  if (rules > 0) {
    const { perHour, upTo, perHourBeyond } = price(table.global.forwardingRules);
    add(`Load balancer, ${rules} forwarding rules`, hours * (perHour + Math.max(0, rules - upTo) * perHourBeyond));
  }
  for (const policy of of("SecurityPolicy")) {
    const count = policy.inputs.rules?.length ?? 0;
    add(`Cloud Armor, ${count} rules`, price(table.global.armorPolicy).perMonth + count * price(table.global.armorRule).perMonth);
  }
  for (const service of of("Service").filter((candidate) => candidate.type.includes("cloudrunv2"))) {
    const warm = at(service.inputs, "template.scaling.minInstanceCount") ?? 0;
    const region = warm > 0 && regionOf(service.inputs.location);
    if (!region) continue;
    const limits = at(service.inputs, "template.containers.0.resources.limits") ?? {};
    const seconds = hours * 3600 * warm;
    const idle = price(region.runIdle);
    add(`Cloud Run ${service.name}, ${warm} warm`, seconds * (Number(limits.cpu) * idle.cpuSecond + gibibytes(limits.memory) * idle.gibSecond));
  }

  const uptime = table.global.uptimeChecks;
  const executions = of("UptimeCheckConfig")
    .map((check) => (hours * 3600 / Number.parseInt(check.inputs.period, 10)) * (check.inputs.selectedRegions?.length || uptime.checkers))
    .reduce((sum, each) => sum + each, 0);
  if (executions > 0) {
    add(`Uptime checks, ${Math.round(executions / 1000)} thousand executions`, (executions / 1000) * price(uptime).perThousandExecutions);
    remarks.push(`The first ${uptime.freeExecutions / 1e6} million executions of a project are free, which the other tenants may have used up.`);
  }
  const conditions = of("AlertPolicy").reduce((sum, policy) => sum + (policy.inputs.conditions?.length ?? 0), 0);
  if (conditions > 0) add(`Alerts, ${conditions} conditions`, conditions * price(table.global.alertCondition).perMonth);
  const versions = of("SecretVersion").length;
  if (versions > 0) add(`Secrets, ${versions} versions`, versions * price(table.global.secretVersion).perLocationMonth);
  const keys = of("CryptoKey").length;
  if (keys > 0) add(`Keys, ${keys} versions`, keys * price(table.global.keyVersion).perMonth);
  const zones = of("ManagedZone").length;
  if (zones > 0) add(`DNS zones, ${zones}`, zones * price(table.global.dnsZone).perMonth);
  if (lines.length > 0) remarks.push("By use, and not estimated: requests and CPU time of Cloud Run, traffic, logs, reads of secrets.");
  const unchecked = new Set([...used].filter((entry) => !entry.checked).map((entry) => table.sources[entry.source]));
  for (const { title, url } of unchecked) remarks.push(`Orders of magnitude that nobody has read at their page yet: ${title} (${url}).`);
  const days = [...new Set([...used].map((entry) => entry.asOf))].sort();
  return { lines, remarks: [...new Set(remarks)], days, total: lines.reduce((sum, line) => sum + line.monthly, 0) };
}
