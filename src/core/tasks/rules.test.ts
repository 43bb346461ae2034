import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  folderName,
  isFinal,
  lockKey,
  mayBecome,
  normalizeResources,
  processName,
  resourceRecord,
  toLocks,
} from "./rules.ts";
import { TASK_STATES } from "./table.ts";

const DOMAIN = "0198a000-0000-7000-8000-000000000001";
const names = fc.array(fc.string({ maxLength: 3 }));

test("a lock key is the first 64 bits of the digest, signed", () => {
  assert.equal(lockKey(""), "-2039914840885289964");
  assert.equal(lockKey("abc"), "-5010229573455851542");
});

test("the domain is shared unless it is exclusive, and exclusive wins", () => {
  const domain = `prn:core.domain:${DOMAIN}`;
  const both = normalizeResources(DOMAIN, ["b", "a", "a"], ["a", "c"]);
  assert.deepEqual(both, { exclusive: ["a", "b"], shared: ["c", domain] });
  assert.deepEqual(resourceRecord(both), ["a", "b", "shared:c", `shared:${domain}`]);
  assert.deepEqual(normalizeResources(DOMAIN, [domain]), { exclusive: [domain], shared: [] });
});

test("locks rise, and there is one for each name", () => {
  fc.assert(
    fc.property(names, names, (exclusive, shared) => {
      const resources = normalizeResources(DOMAIN, exclusive, shared);
      const { keys, excl } = toLocks(resources);
      assert.equal(keys.length, resources.exclusive.length + resources.shared.length);
      assert.equal(excl.filter((mode) => mode).length, resources.exclusive.length);
      for (const [i, key] of keys.entries()) {
        if (i > 0) assert.ok(BigInt(keys[i - 1] ?? 0) < BigInt(key));
      }
    }),
  );
});

test("final states never change, and waiting never ends without a step between", () => {
  for (const from of TASK_STATES) {
    for (const to of TASK_STATES) if (isFinal(from)) assert.equal(mayBecome(from, to), false);
  }
  assert.equal(mayBecome("waiting", "canceled"), false);
  assert.equal(mayBecome("canceling", "failed"), true);
  assert.equal(mayBecome("running", "waiting"), false);
});

test("slots after the first have their number behind the pid", () => {
  const parts = { pid: 7, hostname: "h", fqdn: "h.example" };
  assert.equal(processName("{pid}@{hostname}", parts), "7@h");
  assert.equal(processName("{pid}@{fqdn}", parts, 2), "7.2@h.example");
  assert.equal(processName("fixed", parts, 3), "fixed.3");
});

test("a process name makes a folder that stays where it belongs", () => {
  assert.equal(folderName("7.2@host-1.example"), "7.2@host-1.example");
  assert.equal(folderName("../../etc"), "__.._etc");
  assert.equal(folderName(".."), "_");
});
