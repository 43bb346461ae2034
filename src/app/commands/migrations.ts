import { existsSync, statSync } from "node:fs";
import { migrationStates } from "#platform/db/migrate.ts";
import { configure, openSecrets } from "../configure.ts";
import { appErrors } from "../errors.ts";
import { migrationSources } from "../plugins.ts";
import { prepareAccess, prepareDatabase } from "../prepare-database.ts";
import { type Command, openCommandDatabase, openCommandRuntime, print } from "./command.ts";

export const migrateCommand: Command = {
  name: "migrate",
  usage: "[--plan] [--noinput]",
  summary: "Brings the database to this release.",
  options: { plan: { type: "boolean" }, fake: { type: "boolean" } },
  words: 2,
  async run({ on, rest }) {
    if (on.fake || rest.length > 1) {
      throw appErrors.usage("Migrations only go forward, all of them, and are never faked.");
    }
    // Without its key the services could not start afterwards.
    openSecrets(configure().settings);
    await using opened = await openCommandDatabase();
    const states = await migrationStates(opened.db as never, migrationSources());
    const missing = states.filter(({ isApplied }) => !isApplied);
    if (on.plan) {
      print("Planned operations:");
      for (const { label, name } of missing) print(`${label}.${name}`);
      if (missing.length === 0) print("  No planned migration operations.");
      return 0;
    }
    const labels = migrationSources().map(({ label }) => label);
    print("Operations to perform:");
    print(`  Apply all migrations: ${labels.join(", ")}`);
    print("Running migrations:");
    const applied = await prepareDatabase(opened.db, opened.configuration.settings);
    for (const { label, name } of applied) print(`  Applying ${label}.${name}... OK`);
    if (applied.length === 0) print("  No migrations to apply.");
    await using runtime = await openCommandRuntime(opened.configuration);
    await prepareAccess(runtime);
    return 0;
  },
};

export const showMigrationsCommand: Command = {
  name: "showmigrations",
  summary: "Lists the migrations; [X] is applied, [ ] is not.",
  options: { list: { type: "boolean", short: "l" }, plan: { type: "boolean", short: "p" } },
  words: 20,
  async run({ rest }) {
    await using opened = await openCommandDatabase();
    const states = await migrationStates(opened.db as never, migrationSources());
    const labels = [...new Set(states.map(({ label }) => label))];
    const unknown = rest.find((label) => !labels.includes(label));
    if (unknown !== undefined) throw appErrors.usage(`There is no component '${unknown}'.`);
    for (const label of labels.filter((name) => rest.length === 0 || rest.includes(name))) {
      print(label);
      for (const state of states.filter((one) => one.label === label)) {
        print(` [${state.isApplied ? "X" : " "}] ${state.name}`);
      }
    }
    return 0;
  },
};

export const makeMigrationsCommand: Command = {
  name: "makemigrations",
  usage: "--check",
  summary: "Does nothing: migrations are part of a release.",
  options: { check: { type: "boolean" }, "dry-run": { type: "boolean" } },
  words: 20,
  async run() {
    print("No changes detected");
    return 0;
  },
};

export const collectStaticCommand: Command = {
  name: "collectstatic",
  summary: "Does nothing: static files are part of the program.",
  options: { clear: { type: "boolean", short: "c" }, link: { type: "boolean", short: "l" } },
  async run() {
    print("0 static files copied.");
    return 0;
  },
};

export const checkCommand: Command = {
  name: "check",
  usage: "[--deploy] [--database default] [--settings]",
  summary: "Tells what is wrong with settings, folders, key and database.",
  options: {
    deploy: { type: "boolean" },
    database: { type: "string", multiple: true },
    settings: { type: "boolean" },
    "fail-level": { type: "string" },
    tag: { type: "string", short: "t", multiple: true },
  },
  words: 20,
  async run({ on, list }) {
    const { settings, loaded } = configure();
    openSecrets(settings);
    const warnings = loaded.warnings.map((warning) => `?: (deckle.W001) ${warning}`);
    const errors: string[] = [];
    if (on.deploy && settings.SECRET_KEY === "") {
      errors.push("?: (pulpcore.E001) SECRET_KEY is not set.");
    }
    const folders = { W001: "MEDIA_ROOT", W002: "WORKING_DIRECTORY" } as const;
    for (const [code, name] of Object.entries(folders)) {
      if (!existsSync(settings[name])) {
        warnings.push(`?: (pulpcore.${code}) ${name} '${settings[name]}' does not exist.`);
      }
    }
    if (warnings.length === 0) warnings.push(...deviceWarnings(settings));
    if (list.database) errors.push(...(await databaseErrors()));
    return report(errors, warnings);
  },
};

function deviceWarnings(settings: {
  readonly MEDIA_ROOT: string;
  readonly WORKING_DIRECTORY: string;
}): readonly string[] {
  const [media, work] = [settings.MEDIA_ROOT, settings.WORKING_DIRECTORY].map(
    (folder) => statSync(folder).dev,
  );
  return media === work
    ? []
    : ["?: (pulpcore.W003) MEDIA_ROOT and WORKING_DIRECTORY are on different file systems."];
}

async function databaseErrors(): Promise<readonly string[]> {
  await using opened = await openCommandDatabase();
  const states = await migrationStates(opened.db as never, migrationSources());
  const missing = states.filter(({ isApplied }) => !isApplied).length;
  return missing === 0 ? [] : [`?: (pulpcore.D001) ${missing} migrations are not applied.`];
}

function report(errors: readonly string[], warnings: readonly string[]): number {
  const count = errors.length + warnings.length;
  if (count === 0) {
    print("System check identified no issues (0 silenced).");
    return 0;
  }
  const lines = [
    "System check identified some issues:",
    ...(errors.length > 0 ? ["", "ERRORS:", ...errors] : []),
    ...(warnings.length > 0 ? ["", "WARNINGS:", ...warnings] : []),
    "",
    `System check identified ${count} issue${count === 1 ? "" : "s"} (0 silenced).`,
  ];
  process.stderr.write(`${lines.join("\n")}\n`);
  return errors.length > 0 ? 1 : 0;
}
