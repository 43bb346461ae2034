import { Value } from "@sinclair/typebox/value";
import type { SettingSpec, SettingSpecs } from "#base/settings.ts";
import { derive } from "./derive.ts";
import { describeSchema } from "./describe.ts";
import { FileError, type Given, readSettingsFile, settingsFiles, split } from "./files.ts";
import { isForeignName } from "./foreign-names.ts";
import { maskedValue } from "./mask.ts";
import { isTree, setPath, type Tree } from "./merge.ts";
import { nearestName } from "./nearest.ts";
import { Pending, parseValue, ValueError } from "./parse-value.ts";

export interface LoadOptions {
  readonly specs: SettingSpecs;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Values of the platform that the program runs on, just above the built-in defaults. */
  readonly platform?: { readonly values: Tree; readonly source: string } | undefined;
  /** Values between those and the files, e.g. of `npm start`. */
  readonly base?: Tree;
}

export interface LoadedSettings {
  /** Every declared setting. */
  readonly values: Readonly<Record<string, unknown>>;
  /** One sentence each; the process goes on. */
  readonly warnings: readonly string[];
  /** Where a value was given, lowest first; settings left at their default are not in it. */
  readonly sources: ReadonlyMap<string, readonly string[]>;
}

/** Settings that stop the start: one sentence each. */
export class SettingsError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join("\n"));
    this.name = "SettingsError";
    this.problems = problems;
  }
}

/**
 * Reads the settings in their order: defaults, the platform, files of `PULP_SETTINGS`, `PULP_*`
 * variables, derived values (core-tasks-ops §17).
 *
 * @throws `SettingsError` with everything that is wrong
 */
export function loadSettings(options: LoadOptions): LoadedSettings {
  const loading = new Loading(options);
  loading.addDefaults();
  loading.addPlatform();
  loading.addBase();
  loading.addFiles();
  loading.addEnvironment();
  return loading.finish();
}

class Loading {
  readonly #specs: SettingSpecs;
  readonly #environment: LoadOptions["environment"];
  readonly #platform: LoadOptions["platform"];
  readonly #base: Tree;
  readonly #tree: Tree = {};
  readonly #sources = new Map<string, string[]>();
  /** Texts of variables, for settings that are texts and look like numbers. */
  readonly #texts = new Map<string, string>();
  readonly #warnings: string[] = [];
  readonly #problems: string[] = [];

  constructor({ specs, environment, platform, base = {} }: LoadOptions) {
    this.#specs = specs;
    this.#environment = environment;
    this.#platform = platform;
    this.#base = base;
  }

  addDefaults(): void {
    for (const [name, spec] of Object.entries(this.#specs)) {
      this.#tree[name] = structuredClone(spec.default);
    }
  }

  /** Taken as they are: a password may look like a cast. Maps keep what is only in their default. */
  addPlatform(): void {
    const { values = {}, source = "" } = this.#platform ?? {};
    for (const [name, value] of Object.entries(values)) {
      const below = this.#tree[name];
      const isJoined = isTree(below) && isTree(value);
      this.#tree[name] = structuredClone(isJoined ? { ...below, ...value } : value);
      this.#sources.set(name, [source]);
    }
  }

  addBase(): void {
    for (const [name, value] of Object.entries(this.#base)) {
      if (!Object.hasOwn(this.#specs, name) || value === undefined) continue;
      this.#tree[name] = structuredClone(value);
      this.#sources.delete(name);
    }
  }

  addFiles(): void {
    const section = this.#environment.PULP_ENV ?? "development";
    for (const file of settingsFiles(this.#environment.PULP_SETTINGS)) {
      try {
        const given = readSettingsFile(file, section);
        if (given) for (const value of given) this.#give(value);
        else this.#warnings.push(`The settings file ${file} of PULP_SETTINGS does not exist.`);
      } catch (error) {
        if (!(error instanceof FileError)) throw error;
        this.#problems.push(error.message);
      }
    }
  }

  addEnvironment(): void {
    const names = Object.keys(this.#environment)
      .filter((name) => name.startsWith("PULP_") && !isForeignName(name))
      // Whole values before their parts.
      .sort((a, b) => split(a).length - split(b).length || (a < b ? -1 : 1));
    for (const name of names) this.#giveVariable(name, this.#environment[name] ?? "");
  }

  finish(): LoadedSettings {
    this.#format();
    derive({ tree: this.#tree, isGiven: (name) => this.#isGiven(name) });
    const values = Object.entries(this.#specs).map(([name, spec]) => [
      name,
      this.#checked(name, spec),
    ]);
    if (this.#problems.length > 0) throw new SettingsError(this.#problems);
    return {
      values: Object.fromEntries(values),
      warnings: this.#warnings,
      sources: this.#sources,
    };
  }

  #isGiven(name: string): boolean {
    return this.#sources.has(name) || name in this.#base;
  }

  #giveVariable(variable: string, text: string): void {
    const path = split(variable.slice("PULP_".length));
    try {
      const value = parseValue(text);
      if (path.length === 1 && !text.startsWith("@")) this.#texts.set(path[0] ?? "", text);
      this.#give({ path, value, source: variable });
    } catch (error) {
      if (!(error instanceof ValueError)) throw error;
      this.#problems.push(`${variable} cannot be read: ${error.message}.`);
    }
  }

  #give({ path, value, source }: Given): void {
    const [name = ""] = path;
    if (!Object.hasOwn(this.#specs, name)) {
      if (!isForeignName(`PULP_${name}`)) this.#warnUnknown(name, source);
      return;
    }
    try {
      setPath(this.#tree, path, value);
    } catch (error) {
      if (!(error instanceof ValueError)) throw error;
      this.#problems.push(`${name} (${source}) cannot be read: ${error.message}.`);
    }
    this.#sources.set(name, [...(this.#sources.get(name) ?? []), source]);
  }

  #warnUnknown(name: string, source: string): void {
    const nearest = nearestName(name, Object.keys(this.#specs));
    const hint = nearest ? `; did you mean ${nearest}?` : ".";
    this.#warnings.push(`There is no setting ${name} (${source})${hint}`);
  }

  /** Fills in `@format` texts, when every value they may name is known. */
  #format(): void {
    const fill = (value: unknown, name: string): unknown => {
      if (value instanceof Pending) return this.#formatted(name, value);
      if (Array.isArray(value)) return value.map((item) => fill(item, name));
      if (!isTree(value)) return value;
      return Object.fromEntries(
        Object.entries(value).map(([key, item]) => [key, fill(item, name)]),
      );
    };
    for (const [name, value] of Object.entries(this.#tree)) this.#tree[name] = fill(value, name);
  }

  #formatted(name: string, { change }: Pending): unknown {
    if (change.change !== "format") return null;
    return change.template.replace(/\{([^{}]*)\}/g, (_, expression: string) => {
      const [, root, key = ""] = /^(env|this)(?:\[['"]?|\.)(\w+)['"]?\]?$/.exec(expression) ?? [];
      const found = root === "env" ? this.#environment[key] : root && this.#tree[key];
      if (typeof found === "string" || typeof found === "number") return String(found);
      this.#problems.push(`${name} cannot be read: {${expression}} of @format has no value.`);
      return "";
    });
  }

  /** The value, or its default after a problem was noted. */
  #checked(name: string, spec: SettingSpec): unknown {
    const value = name in this.#tree ? this.#tree[name] : structuredClone(spec.default);
    const text = this.#texts.get(name);
    const isText = text !== undefined && this.#sources.get(name)?.at(-1) === `PULP_${name}`;
    if (!Value.Check(spec.schema, value)) {
      if (isText && Value.Check(spec.schema, text)) return this.#ruled(spec, text);
      this.#problems.push(this.#typeProblem(name, spec, value));
      return spec.default;
    }
    return this.#ruled(spec, value);
  }

  #ruled(spec: SettingSpec, value: unknown): unknown {
    const problem = spec.check?.(value as never);
    if (problem !== undefined) this.#problems.push(problem);
    return value;
  }

  #typeProblem(name: string, spec: SettingSpec, value: unknown): string {
    const error = Value.Errors(spec.schema, value).First();
    const place = [name, ...(error?.path ?? "").split("/").slice(1)].join(".");
    const wanted = describeSchema(error?.schema ?? spec.schema);
    const found = error ? error.value : value;
    const shown = spec.secret ? "" : `, but is ${shortened(maskedValue(place, found))}`;
    const source = this.#sources.get(name)?.at(-1);
    return `${place} must be ${wanted}${shown}${source ? ` (${source})` : ""}.`;
  }
}

function shortened(value: unknown): string {
  const text = value === undefined ? "missing" : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}
