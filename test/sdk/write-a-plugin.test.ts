import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { createVersion } from "#core/repositories/commands.ts";
import { type ContentServer, createContentServer } from "#delivery/server.ts";
import { migrate } from "#platform/db/migrate.ts";
import type { Plugin } from "#sdk";
import { createJob } from "../support/job.ts";
import { createTestApi, formOf } from "../support/rest-api.ts";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../../", import.meta.url));
const PAGE = join(root, "docs/how-to/write-a-plugin.md");

let folder = "";

/** Files of the page: fences that name one, `ts content.ts`. */
const filesOf = (page: string): ReadonlyMap<string, string> =>
  new Map(
    [...page.matchAll(/^```ts (\S+\.ts)\n([\s\S]*?)^```$/gm)].map(([, name = "", text = ""]) => [
      name,
      text,
    ]),
  );

// Inside the repository, since `#sdk` is a name of its package.
before(async () => {
  folder = await mkdtemp(join(root, "src/plugins/.guide-"));
  for (const [name, text] of filesOf(await readFile(PAGE, "utf8"))) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
});
after(() => rm(folder, { recursive: true, force: true }));

test("the plugin of the page has fewer than 150 lines of code", async () => {
  const files = filesOf(await readFile(PAGE, "utf8"));
  const lines = [...files.values()].flatMap((text) => text.trim().split("\n"));

  assert.deepEqual([...files.keys()].sort(), [
    "content.ts",
    "migrations/0001_recipe.ts",
    "plugin.ts",
    "policies.ts",
    "rest.ts",
  ]);
  assert.ok(lines.length < 150, `${lines.length} lines`);
});

test("the plugin of the page passes the type check", async () => {
  const config = join(folder, "tsconfig.json");
  // A folder whose name begins with a dot has to be named file by file.
  const files = [...filesOf(await readFile(PAGE, "utf8")).keys()];
  const settings = { extends: join(root, "tsconfig.json"), include: [], files };
  await writeFile(config, JSON.stringify(settings));
  const tsc = join(root, "node_modules/.bin/tsc");

  const { stdout } = await run(process.execPath, [tsc, "--noEmit", "-p", config]).catch(
    (error: { stdout: string }) => error,
  );

  assert.equal(stdout, "");
});

test("the plugin of the page takes, versions and serves recipes", async (t) => {
  const { recipe } = (await import(pathToFileURL(join(folder, "plugin.ts")).href)) as {
    recipe: Plugin;
  };
  const closing: { server?: ContentServer } = {};
  // Hooks run in the order of their registration: the server ends before its database.
  t.after(() => closing.server?.close(AbortSignal.timeout(2000)));
  const world = await createTestApi(t, { shipped: [recipe] });
  await migrate(world.ctx.db as never, [{ label: recipe.label, folder: recipe.migrations }]);

  const form = (servings: string) =>
    formOf({ name: "soup", servings }, [{ name: "file", bytes: "Boil water." }]);
  const soup = await world.request("POST", "content/recipe/recipes/upload/", form("2"));
  const again = await world.request("POST", "content/recipe/recipes/upload/", form("2"));
  const wrong = await world.request("POST", "content/recipe/recipes/upload/", form("0"));
  assert.equal(soup.status, 201, soup.text);
  assert.equal(soup.body.servings, 2);
  assert.equal(again.body.pulp_href, soup.body.pulp_href);
  assert.deepEqual(wrong.body, { servings: ["Ensure this value is greater than or equal to 1."] });

  const found = await world.get("content/recipe/recipes/?name__startswith=so");
  assert.equal(found.body.count, 1);

  const repository = await world.post("repositories/recipe/recipe/", { name: "kitchen" });
  const ids = [soup, repository].map(({ body }) => String(body.prn).split(":").at(-1) ?? "");
  const [unit = "", kitchen = ""] = ids;
  await createVersion(createJob(world), kitchen, { add: [unit], remove: [] });
  const version = await world.get(`${repository.body.versions_href}1/`);
  assert.equal(version.body.content_summary.present["recipe.recipe"].count, 1);

  const body = { name: "menu", base_path: "menu", repository: repository.body.pulp_href };
  const accepted = await world.post("distributions/recipe/recipe/", body);
  assert.equal((await world.get(accepted.body.task)).body.state, "completed");
  const server = createContentServer(world.ctx, { handlers: recipe.delivery });
  closing.server = server;
  const { port } = (await server.listen({ port: 0, host: "127.0.0.1" })) as AddressInfo;
  const served = await fetch(`http://127.0.0.1:${port}/pulp/content/menu/soup.txt`);
  assert.equal(await served.text(), "Boil water.");
});
