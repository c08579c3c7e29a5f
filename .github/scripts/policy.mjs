// policy.mjs PREVIEW.json checks what must hold of every resource, in every stack, whatever a pull request says.
// Ends with 1 if anything does not. The same rules hold for tenants and for the platform.
import { pathToFileURL } from "node:url";
import { at, kind, read } from "./resources.mjs";

// What cannot be made again by 'pulumi up'.
const data = new Set(["DatabaseInstance", "Database", "ProjectBucketConfig", "Tenant", "CryptoKey", "KeyRing", "Bucket", "ManagedZone"]);
const labelled = {
  DatabaseInstance: "settings.userLabels", Service: "labels", Job: "labels", Secret: "labels", GlobalAddress: "labels",
  SecurityPolicy: "labels", GlobalForwardingRule: "labels", Certificate: "labels", CertificateMap: "labels",
  UptimeCheckConfig: "userLabels", AlertPolicy: "userLabels", Bucket: "labels", CryptoKey: "labels", ManagedZone: "labels",
};

export function violations({ config, planned, lost }) {
  const found = [];
  const decommissioned = config["tenant:decommission"] === "true";
  const say = (resource, sentence) => found.push(`${kind(resource)} ${resource.name}: ${sentence}`);

  for (const resource of planned) {
    const { inputs } = resource;
    const type = kind(resource);
    const module = String(resource.type).split(/[:/]/)[1];
    if (module === "sql" && type === "DatabaseInstance") {
      const address = inputs.settings?.ipConfiguration ?? {};
      if (address.ipv4Enabled !== false) say(resource, "has a public address");
      if (address.authorizedNetworks?.length) say(resource, "admits networks");
      if (!address.privateNetwork) say(resource, "is in no private network");
      if (!["ENCRYPTED_ONLY", "TRUSTED_CLIENT_CERTIFICATE_REQUIRED"].includes(address.sslMode)) say(resource, "takes connections that are not encrypted");
      if (at(inputs, "settings.backupConfiguration.enabled") !== true) say(resource, "has no backups");
      if (at(inputs, "settings.backupConfiguration.pointInTimeRecoveryEnabled") !== true) say(resource, "has no point-in-time recovery");
      if (!decommissioned && !(inputs.deletionProtection === true && at(inputs, "settings.deletionProtectionEnabled") === true))
        say(resource, "has not both deletion protections");
    }
    if (module === "cloudrunv2" && (type === "Service" || type === "Job")) {
      const containers = at(inputs, type === "Job" ? "template.template.containers" : "template.containers") ?? [];
      for (const container of containers)
        if (!/@sha256:[0-9a-f]{64}$/.test(container.image ?? "")) say(resource, `runs an image that is not pinned by its digest: ${container.image}`);
      if (!decommissioned && inputs.deletionProtection !== true) say(resource, "has no deletion protection");
      if (type === "Job" && at(inputs, "binaryAuthorization.useDefault") !== true) say(resource, "runs images that main has not signed");
      if (type === "Service" && inputs.ingress !== "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER") say(resource, "is reached past the load balancer");
    }
    if (module === "storage" && type === "Bucket") {
      if (inputs.publicAccessPrevention !== "enforced") say(resource, "may become public");
      if (inputs.uniformBucketLevelAccess !== true) say(resource, "has access lists beside its IAM");
    }
    if (/I(AM|am)(Policy|Binding)$/.test(type)) say(resource, "sets access as a whole, and takes everybody else's away");
    for (const member of [inputs.member, ...(inputs.members ?? [])])
      if (["allUsers", "allAuthenticatedUsers"].includes(member)) say(resource, `opens to ${member}`);
    if (["roles/owner", "roles/editor"].includes(inputs.role)) say(resource, `grants ${inputs.role}`);
    const path = String(resource.type).startsWith("gcp:") && !["identityplatform", "projects"].includes(module) ? labelled[type] : undefined;
    if (path && !at(inputs, `${path}.managed-by`)) say(resource, "carries no labels");
    if (data.has(type) && !decommissioned && String(resource.type).startsWith("gcp:") && !resource.protect) say(resource, "is not protected from deletion");
  }

  if (!decommissioned)
    for (const resource of lost)
      if (data.has(kind(resource)) && String(resource.type).startsWith("gcp:")) say(resource, `would be lost (${resource.op})`);
  return [...new Set(found)].sort();
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const found = violations(read(process.argv[2]));
  for (const sentence of found) console.error(sentence);
  console.error(found.length > 0 ? "These rules hold for every stack: docs/security.md." : "All rules hold.");
  process.exit(found.length > 0 ? 1 : 0);
}
