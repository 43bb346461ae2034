import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { saveArtifacts } from "#core/artifacts/commands.ts";
import type { Ctx } from "#core/ctx.ts";
import { scanErrors } from "#core/scanning/errors.ts";
import type { Settings } from "#platform/config/settings.ts";
import type { Verdict } from "#platform/scan/scanner.ts";
import { createContext } from "../../support/context.ts";

/** A domain that asks for scans, over a scanner that says what it is told. */
async function scannedDomain(t: TestContext, verdict: Verdict, settings: Partial<Settings> = {}) {
  const { ctx: plain, domain, mediaRoot, logged } = await createContext(t, { settings });
  await plain.db
    .updateTable("domain")
    .set({ labels: JSON.stringify({ malware_scanning: "true" }) })
    .execute();
  const scans: number[] = [];
  const ctx: Ctx = {
    ...plain,
    scanner: {
      async scan(bytes) {
        let size = 0;
        for await (const piece of bytes) size += piece.length;
        scans.push(size);
        return verdict;
      },
      version: () => Promise.resolve("engine 1"),
    },
  };
  const save = async (text: string) => {
    await using file = await ctx.storage(domain).beginFile();
    file.sink.write(text);
    const sealed = await file.seal();
    return await saveArtifacts(ctx, domain, [{ file, sealed, what: "https://up.example/x" }]);
  };
  const rows = () => ctx.db.selectFrom("malware_scan").selectAll().execute();
  const artifacts = () => ctx.db.selectFrom("artifact").select("id").execute();
  return { save, scans, rows, artifacts, mediaRoot, logged };
}

test("a clean file is kept, with what the engine said", async (t) => {
  const { save, scans, rows } = await scannedDomain(t, { kind: "clean" });
  await save("abc");
  const [row] = await rows();
  assert.deepEqual(scans, [3]);
  assert.deepEqual(
    [row?.status, row?.engine_version, row?.source_url, row?.filename],
    ["clean", "engine 1", "https://up.example/x", null],
  );
});

test("an infected file is put away, is no artifact, and is refused at once from then on", async (t) => {
  const { save, scans, rows, artifacts, mediaRoot } = await scannedDomain(t, {
    ...{ kind: "infected", signature: "Bad" },
  });
  await assert.rejects(save("abc"), /\[PLP0005\] ClamAV detected a virus \(Bad\) in https:\/\/up/);
  const [row] = await rows();
  const sha256 = row?.artifact_sha256.toString("hex") ?? "";
  assert.deepEqual([row?.status, row?.signature, row?.quarantined], ["infected", "Bad", true]);
  assert.ok(existsSync(join(mediaRoot, "quarantine", sha256.slice(0, 2), sha256.slice(2))));
  assert.deepEqual(await artifacts(), []);
  await assert.rejects(save("abc"), {
    detail: { file: [`Artifact ${sha256} is quarantined: Bad.`] },
  });
  assert.equal(scans.length, 1);
});

const refusals: readonly (readonly [Verdict, Partial<Settings>, keyof typeof scanErrors])[] = [
  [{ kind: "failed", reason: "away" }, { CLAMAV_FAIL_MODE: "closed" }, "unavailable"],
  [{ kind: "oversize" }, { CLAMAV_ON_OVERSIZE: "reject" }, "oversize"],
];

for (const [verdict, settings, name] of refusals) {
  test(`${verdict.kind}: refused where the settings say so`, async (t) => {
    const { save, rows, artifacts } = await scannedDomain(t, verdict, settings);
    await assert.rejects(save("abc"), (error) => scanErrors[name].is(error));
    assert.deepEqual([await rows(), await artifacts()], [[], []]);
  });

  test(`${verdict.kind}: taken by default`, async (t) => {
    const { save, rows, artifacts } = await scannedDomain(t, verdict);
    await save("abc");
    const expected = verdict.kind === "failed" ? "error" : "skipped";
    assert.equal((await rows())[0]?.status, expected);
    assert.equal((await artifacts()).length, 1);
  });
}

test("a scanner that fails is asked three times", async (t) => {
  const { save, scans, logged } = await scannedDomain(t, { kind: "failed", reason: "away" });
  await save("abc");
  assert.equal(scans.length, 3);
  assert.match(logged.join("\n"), /ERROR Failed to scan https:\/\/up\.example\/x: away\./);
});
