import assert from "node:assert/strict";
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { preAuthenticationEncoding } from "#plugins/python/verify-attestations.ts";
import { formOf, type TestApi } from "../../../support/rest-api.ts";
import { endedTask } from "../../../support/run-tasks.ts";
import { type Distribution, sdist, wheel } from "../../python/distributions.ts";
import { createPythonApi, made, PROVENANCE, REPOSITORIES, uploaded } from "../../python/support.ts";

const BUILDER = "https://konflux.example/builders/tekton/v2";
const BUILD_TYPE = "https://tekton.dev/attestations/chains/pipelinerun@v2";

/** An API that verifies by a key, and what that key has signed. */
async function createWorld(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), "deckle-key-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, "key.pem");
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  await writeFile(path, publicKey.export({ type: "spki", format: "pem" }));
  const api = await createPythonApi(t, { ATTESTATION_VERIFICATION_KEY: path } as object);
  return { api, key: privateKey };
}

/** SLSA provenance of a file, with no material but a signature. */
function signed(subject: { readonly name: string; readonly sha256: string }, key: KeyObject) {
  const payload = Buffer.from(
    JSON.stringify({
      _type: "https://in-toto.io/Statement/v0.1",
      subject: [{ name: subject.name, digest: { sha256: subject.sha256 } }],
      predicateType: "https://slsa.dev/provenance/v0.2",
      predicate: { builder: { id: BUILDER }, buildType: BUILD_TYPE },
    }),
  );
  const signature = sign("sha256", preAuthenticationEncoding(payload), key).toString("base64");
  const envelope = { statement: payload.toString("base64"), signature };
  return { version: 1, verification_material: null, envelope };
}

const subjectOf = ({ filename, sha256 }: Distribution) => ({ name: filename, sha256 });

async function createProvenance(api: TestApi, unit: string, attestation: object) {
  const bundle = { publisher: { kind: "Test" }, attestations: [attestation] };
  const bytes = JSON.stringify({ version: 1, attestation_bundles: [bundle] });
  const file = [{ name: "file", bytes, filename: "p.json" }];
  return endedTask(api, await api.request("POST", PROVENANCE, formOf({ package: unit }, file)));
}

test("24 Attestation: signed provenance is stored; a wrong name, digest or signature fails the task", async (t) => {
  const { api, key } = await createWorld(t);
  const file = wheel();
  const unit = (await uploaded(api, file)).pulp_href;
  const subject = subjectOf(file);

  const good = await createProvenance(api, unit, signed(subject, key));
  assert.equal(good.state, "completed", JSON.stringify(good.error));
  const { body } = await api.get(good.created_resources[0] ?? "");
  assert.equal(body.package, unit);

  const stranger = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
  const other = sdist().filename;
  const wrongs = [
    [
      signed({ ...subject, name: other }, key),
      `subject does not match distribution name: ${other} != ${file.filename}`,
    ],
    [signed({ ...subject, sha256: "00" }, key), "subject does not match distribution digest"],
    [signed(subject, stranger), "signature verification failed: "],
  ] as const;
  for (const [attestation, text] of wrongs) {
    const task = await createProvenance(api, unit, attestation);
    assert.equal(task.state, "failed", text);
    assert.ok(task.error?.description?.includes(text), task.error?.description);
  }
});

test("24 Attestation: attestations with an upload make two resources, and tell who built the file", async (t) => {
  const { api, key } = await createWorld(t);
  const file = wheel();
  const attestations = JSON.stringify([signed(subjectOf(file), key)]);
  const form = formOf({ relative_path: file.filename, attestations }, [
    { name: "file", bytes: file.bytes, filename: file.filename },
  ]);

  const task = await endedTask(api, await api.request("POST", "content/python/packages/", form));

  assert.equal(task.state, "completed", JSON.stringify(task.error));
  assert.equal(task.created_resources.length, 2);
  const { body } = await api.get(task.created_resources[1] ?? "");
  const [{ publisher }] = body.provenance.attestation_bundles;
  const { kind, builder_id, build_type } = publisher;
  assert.deepEqual(
    { kind, builder_id, build_type },
    { kind: "konflux.example", builder_id: BUILDER, build_type: BUILD_TYPE },
  );
});

test("18, 0048: an upload to an index verifies too, and says why it refuses", async (t) => {
  const { api, key } = await createWorld(t);
  const { pulp_href: repository } = await made(api, REPOSITORIES, { name: "r" });
  await made(api, "distributions/python/pypi/", { name: "i", base_path: "i", repository });
  const file = wheel();
  const attestations = JSON.stringify([signed({ ...subjectOf(file), sha256: "00" }, key)]);
  const fields = {
    ...{ ":action": "file_upload", protocol_version: "1", sha256_digest: file.sha256 },
    attestations,
  };
  const form = formOf(fields, [{ name: "content", bytes: file.bytes, filename: file.filename }]);

  const { status, body } = await api.request("POST", "/pypi/i/legacy/", form);

  assert.equal(status, 400);
  const text = "Attestations failed verification: subject does not match distribution digest";
  assert.deepEqual(body, { attestations: [text] });
});
