// What a preview in JSON ('pulumi preview --json') says there will be, and what it says there is.
import { readFileSync } from "node:fs";

export function read(path) {
  const digest = JSON.parse(readFileSync(path, "utf8"));
  const steps = digest.steps ?? [];
  const of = (state, op) => ({
    urn: state.urn,
    op,
    type: state.type,
    name: String(state.urn).split("::").at(-1),
    inputs: state.inputs ?? {},
    protect: state.protect === true,
  });
  const gone = new Set(["delete", "delete-replaced", "discard-replaced"]);
  return {
    config: digest.config ?? {},
    planned: steps.filter((step) => step.newState && !gone.has(step.op)).map((step) => of(step.newState, step.op)),
    current: steps.filter((step) => step.oldState && step.op !== "create").map((step) => of(step.oldState, step.op)),
    lost: steps.filter((step) => step.oldState && (gone.has(step.op) || step.op === "replace")).map((step) => of(step.oldState, step.op)),
  };
}

export const kind = (resource) => String(resource.type).split(":").at(-1);

export const at = (inputs, path) => path.split(".").reduce((value, key) => value?.[key], inputs);
