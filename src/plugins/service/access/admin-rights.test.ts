import assert from "node:assert/strict";
import { test } from "node:test";
import { type AdminModel, type AdminVerb, mayAdminister, mayEnter } from "./admin-rights.ts";

const VERBS: readonly AdminVerb[] = ["view", "change", "add", "delete"];

/** The table of service §11, row by row: what whoever is no superuser may do to his own, and to others. */
const TABLE: Readonly<
  Record<AdminModel, { own: readonly AdminVerb[]; foreign: readonly AdminVerb[] }>
> = {
  domainorg: { own: ["view", "change", "delete"], foreign: [] },
  group: { own: ["view", "change", "add", "delete"], foreign: ["add"] },
  domain: { own: ["view", "change"], foreign: [] },
  user: { own: [], foreign: [] },
  task: { own: [], foreign: [] },
};

for (const [name, { own, foreign }] of Object.entries(TABLE)) {
  const model = name as AdminModel;
  test(`§11: what may be done to a ${model}`, () => {
    const allowed = (isSuperuser: boolean, isOwner: boolean) =>
      VERBS.filter((verb) => mayAdminister(model, verb, { isSuperuser, isOwner }));
    assert.deepEqual(allowed(false, true), own);
    assert.deepEqual(allowed(false, false), foreign);
    const all = model === "task" ? ["view", "change", "delete"] : VERBS;
    assert.deepEqual(allowed(true, false), all);
    assert.equal(mayEnter(model, false), own.length > 0);
    assert.equal(mayEnter(model, true), true);
  });
}
