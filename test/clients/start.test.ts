import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createApi } from "../support/api.ts";
import { pssBytes } from "../support/process-tree.ts";
import { freePort, repositoryRoot, startServer } from "../support/server.ts";
import { command } from "./support/download.ts";

test("a second start finds everything again, fast, small and alone", async (t) => {
  const home = await mkdtemp(join(tmpdir(), "deckle-start-"));
  t.after(() => rm(home, { recursive: true, force: true }));
  {
    await using server = await startServer({ home });
    await createApi(server).post("repositories/file/file/", { name: "kept" });
    assert.equal(await server.stop("SIGTERM"), 0);
  }
  await using server = await startServer({ home });
  t.diagnostic(`second start: ${server.startMs.toFixed(0)} ms`);
  assert.ok(server.startMs <= 3000, `${server.startMs} ms`);
  const { results } = await createApi(server).get("repositories/file/file/");
  assert.deepEqual(
    results.map((each: { name: string }) => each.name),
    ["kept"],
  );

  await t.test("a second server on the same folder is refused with a sentence", async () => {
    const { code, output } = await startAgain(home);
    assert.notEqual(code, 0);
    assert.match(output, /already|another|in use/i);
    assert.doesNotMatch(output, /\n\s+at /, "no stack trace");
  });

  await t.test("a header called __proto__ is one like any other", async () => {
    for (const url of [
      `${server.apiUrl}/pulp/api/v3/status/`,
      `${server.contentUrl}/pulp/content/`,
    ]) {
      const { status, stdout } = await command("curl", [
        ...["-s", "-o", "/dev/null", "-w", "%{http_code}"],
        ...["-H", "__proto__: x", "-H", "constructor: y", url],
      ]);
      assert.equal(status, 0);
      assert.equal(stdout, "200");
    }
  });

  await t.test("all processes together idle at 350 MB at most", async () => {
    await sleep(5000);
    const sizes = await Promise.all((await server.pids()).map(pssBytes));
    const total = sizes.reduce((sum, size) => sum + size, 0);
    t.diagnostic(`idle: ${(total / 1e6).toFixed(0)} MB in ${sizes.length} processes`);
    assert.ok(total <= 350e6, `${total} bytes`);
  });

  await t.test("Ctrl-C drains and ends with 0", async () => {
    const pids = await server.pids();
    assert.equal(await server.stop("SIGINT", "group"), 0);
    const left = pids.filter((pid) => isAlive(pid));
    assert.deepEqual(left, [], "nothing is left running");
  });
});

test("a password is made up and told once", async () => {
  await using server = await startServer({ env: { DECKLE_ADMIN_PASSWORD: "" } });
  const told = server.lines.filter((line) => /password/i.test(line));
  assert.equal(told.length > 0, true, server.lines.join("\n"));
});

async function startAgain(home: string): Promise<{ code: number | null; output: string }> {
  const bind = async () => `127.0.0.1:${await freePort()}`;
  const child = spawn("npm", ["start", "--silent"], {
    cwd: repositoryRoot,
    env: {
      ...process.env,
      DECKLE_HOME: home,
      DECKLE_API_BIND: await bind(),
      DECKLE_CONTENT_BIND: await bind(),
    },
  });
  let output = "";
  child.stdout.on("data", (chunk) => {
    output += chunk;
  });
  child.stderr.on("data", (chunk) => {
    output += chunk;
  });
  const code = await new Promise<number | null>((resolve) => child.once("exit", resolve));
  return { code, output };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
