import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { temporaryFolder } from "../app/program.ts";
import { root } from "../house/sources.ts";
import { deployFolder } from "./manifests.ts";

const recipe = readFileSync(join(deployFolder, "image/Containerfile"), "utf8")
  .replaceAll("\\\n", " ")
  .split("\n")
  .filter((line) => line !== "" && !line.startsWith("#"))
  .map((line) => line.replaceAll(/\s+/g, " "));

const steps = (name: string): readonly string[] =>
  recipe.filter((line) => line.startsWith(`${name} `)).map((line) => line.slice(name.length + 1));

test("what the image copies is there", () => {
  const copied = steps("COPY").filter((words) => !words.startsWith("--from"));
  const sources = copied.flatMap((words) => words.split(" ").slice(0, -1));
  assert.ok(sources.includes("src") && sources.length >= 7);
  assert.deepEqual(
    sources.filter((path) => !existsSync(join(root, path))),
    [],
  );
});

test("the image is that of UBI 9, and runs as a user by number", () => {
  for (const base of steps("ARG")) assert.match(base, /^(BASE|BUILDER)=[\w.]+\/ubi9\//);
  assert.equal(steps("USER").at(-1), "700:0");
  const made = recipe.find((line) => line.includes("useradd")) ?? "";
  assert.match(made, /groupadd --gid 700 pulp .*useradd --uid 700 --gid 700 /);
});

/** A tree as the image has it, with the packages and sources of this checkout. */
async function imageTree(t: TestContext): Promise<string> {
  const tree = await temporaryFolder(t);
  const place = join(tree, "opt/deckle");
  mkdirSync(join(place, "deploy"), { recursive: true });
  for (const path of ["package.json", "package-lock.json", "src"]) {
    cpSync(join(root, path), join(place, path), { recursive: true });
  }
  symlinkSync(join(root, "node_modules"), join(place, "node_modules"));
  for (const path of ["image/entrypoint.sh", "image/prepare.sh"]) {
    cpSync(join(deployFolder, path), join(place, "deploy", path.slice("image/".length)));
  }
  return tree;
}

const isRoot = process.getuid?.() === 0;

test("a user that nobody foresaw runs the programs, and writes to the folders", {
  skip: !isRoot && "only root can become another user",
}, async (t) => {
  const tree = await imageTree(t);
  spawnSync("chmod", ["755", tree]);
  const prepared = spawnSync("bash", [join(tree, "opt/deckle/deploy/prepare.sh"), tree], {
    encoding: "utf8",
  });
  assert.equal(prepared.status, 0, prepared.stderr);
  assert.match(prepared.stdout, /^[\d.]+ \(deckle /);
  for (const name of ["media", "tmp", "assets", "scripts"]) {
    const { mode, uid, gid } = statSync(join(tree, "var/lib/pulp", name));
    assert.deepEqual([mode & 0o7777, uid, gid], [0o2775, 700, 0]);
  }
  // The group root without its powers, as in OpenShift.
  const as = ["--reuid", "1000660000", "--regid", "0", "--clear-groups", "--inh-caps=-all"];
  const programs = join(tree, "opt/deckle/bin");
  const env = {
    PATH: `${programs}:${process.env.PATH}`,
    HOME: join(tree, "var/lib/pulp"),
    NODE_COMPILE_CACHE: join(tree, "none"),
  };
  const run = (...words: readonly string[]) =>
    spawnSync("setpriv", [...as, "--", join(programs, "entrypoint"), ...words], {
      ...{ encoding: "utf8", env, cwd: env.HOME },
    });

  assert.match(run("pulp-api", "--help").stdout, /^Usage: pulpcore-api /);
  assert.match(run("pulp-content", "--help").stdout, /^Usage: pulpcore-content /);
  assert.match(run("pulp-worker", "--help").stdout, /^Usage: pulpcore-worker /);
  assert.match(run("pulp-resource-manager", "--help").stdout, /^Usage: pulpcore-worker /);
  assert.match(run("pulpcore-manager", "--version").stdout, /deckle/);
  const written = run("bash", "-c", "echo x > media/x && echo x > tmp/x && id -u");
  assert.deepEqual([written.status, written.stdout], [0, "1000660000\n"]);
  assert.equal(run("bash", "-c", "exit 7").status, 7);
});

/** A folder with one program, which tells how it was called. */
async function fakePrograms(t: TestContext, ...names: readonly string[]): Promise<string> {
  const folder = await temporaryFolder(t);
  for (const name of names) {
    const text = '#!/bin/sh\nprintf "%s\\n" "$(basename "$0")" "$@"\n';
    writeFileSync(join(folder, name), text, { mode: 0o755 });
  }
  return folder;
}

test("names of the peer's images become ours, with their flags", async (t) => {
  const folder = await fakePrograms(t, "pulpcore-api", "pulpcore-content", "pulpcore-worker");
  const run = (...words: readonly string[]) =>
    spawnSync("bash", [join(deployFolder, "image/entrypoint.sh"), ...words], {
      ...{ encoding: "utf8", env: { PATH: `${folder}:${process.env.PATH}` } },
    }).stdout.trim();

  assert.equal(run(), "pulpcore-api");
  assert.equal(run("pulp-api", "-b", "a b"), "pulpcore-api\n-b\na b");
  assert.equal(run("pulp-content"), "pulpcore-content");
  assert.equal(run("pulp-worker", "--auxiliary"), "pulpcore-worker\n--auxiliary");
  assert.equal(run("pulp-resource-manager"), "pulpcore-worker");
  assert.equal(run("pulpcore-worker", "--burst"), "pulpcore-worker\n--burst");
});

test("logs are exported from clusters of the service only, and to a bucket that is named", async (t) => {
  const folder = await fakePrograms(t, "deckle-operator");
  const whole = {
    CLUSTER_NAME: "pulp-prod",
    CLOUDWATCH_GROUP: "logs",
    EXPORT_BUCKET: "exports",
    EXPORT_REGION: "eu-west-1",
  };
  const run = (kind: string, environment: Readonly<Record<string, string>> = {}) =>
    spawnSync("bash", [join(deployFolder, "scripts/export-logs.sh"), kind], {
      encoding: "utf8",
      env: { PATH: `${folder}:${process.env.PATH}`, ...whole, ...environment },
    });

  const access = run("access").stdout;
  assert.match(access, /^deckle-operator\nexport-access-logs\n--cloudwatch-group\nlogs\n/);
  assert.match(access, /\n--start-time\n1 hour ago\n--end-time\nnow\n/);
  assert.match(
    access,
    /\n--output-path\ns3:\/\/exports\/access\/\d{4}\/\d\d\/\d\d\/\d\d\.parquet\n/,
  );
  assert.match(
    run("maven").stdout,
    /^deckle-operator\nexport-content-logs\n--content-type\nmaven\n/,
  );
  assert.match(run("access", { CLUSTER_NAME: "other" }).stdout, /^Nothing is exported from/);
  assert.match(run("access", { EXPORT_BUCKET: "" }).stdout, /EXPORT_BUCKET is not set/);
  assert.deepEqual([run("access", { CLUSTER_NAME: "" }).status, run("other").status], [0, 2]);
});

test("the migrating pod tells its probe, and ends when migrating fails", async (t) => {
  const folder = await fakePrograms(t, "pulpcore-manager", "sleep");
  const mark = join(folder, "migrated");
  const run = () =>
    spawnSync("bash", ["-x", join(deployFolder, "scripts/migrate.sh")], {
      encoding: "utf8",
      env: { PATH: `${folder}:${process.env.PATH}`, MIGRATED_FILE: mark },
    });

  const good = run();
  assert.deepEqual(
    [good.status, good.stdout],
    [0, "pulpcore-manager\nmigrate\n--noinput\nsleep\ninfinity\n"],
  );
  assert.ok(existsSync(mark));
  writeFileSync(join(folder, "pulpcore-manager"), "#!/bin/sh\nexit 3\n", { mode: 0o755 });
  assert.equal(run().status, 3);
});
