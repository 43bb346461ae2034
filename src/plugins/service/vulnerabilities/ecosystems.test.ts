import assert from "node:assert/strict";
import { test } from "node:test";
import { labelledEcosystems } from "./ecosystems.ts";

const labels = (cpes: string, ecosystem = "Red Hat") => ({
  "osv_dev ecosystem": ecosystem,
  "osv_dev cpes": cpes,
});

test("products become ecosystems, each once", () => {
  const cpes = [
    ...["cpe:/o:redhat:enterprise_linux:9::baseos", "cpe:/a:redhat:rhel_eus:8.6::appstream"],
    "cpe:/o:redhat:enterprise_linux:9::baseos",
  ];
  assert.deepEqual(labelledEcosystems(labels(JSON.stringify(cpes))), [
    "Red Hat:enterprise_linux:9::baseos",
    "Red Hat:rhel_eus:8.6::appstream",
  ]);
});

test("labels that do not say it say nothing", () => {
  const many = JSON.stringify(Array(51).fill("cpe:/o:redhat:x"));
  for (const cpes of [
    "",
    "[]",
    "{",
    "{}",
    "[7]",
    '["cpe:/o:other:x"]',
    '["cpe:/o:redhatter"]',
    many,
  ])
    assert.equal(labelledEcosystems(labels(cpes)), undefined, cpes);
  assert.equal(labelledEcosystems(labels('["cpe:/o:redhat:x"]', "Debian")), undefined);
  assert.equal(labelledEcosystems({}), undefined);
});
