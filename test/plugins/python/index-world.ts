import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { sha256 } from "#base/digests.ts";
import { saveUnits } from "#core/content/commands.ts";
import { createVersion } from "#core/repositories/commands.ts";
import type { Settings } from "#platform/config/settings.ts";
import { pythonPackage, pythonProvenance, pythonYank } from "#plugins/python/content.ts";
import { normalizeName } from "#plugins/python/format/names.ts";
import { createJob } from "../../support/job.ts";
import type { RequestOptions, TestAnswer, TestApi } from "../../support/rest-api.ts";
import { createPythonApi, DISTRIBUTIONS, made, REPOSITORIES } from "./support.ts";

export interface FileSpec {
  readonly filename: string;
  readonly name: string;
  readonly version: string;
  readonly requires_python?: string;
  readonly metadata_sha256?: string;
  readonly size?: number;
  readonly more?: Readonly<Record<string, unknown>>;
}

/** A repository behind a distribution at `/pypi/<base path>/`, with rows in place of real files. */
export interface IndexWorld {
  readonly api: TestApi;
  readonly repository: string;
  readonly distribution: string;
  /** A request below the index, of a stranger unless it says otherwise. */
  get(path: string, options?: RequestOptions): Promise<TestAnswer>;
  /** Ids of new packages in a new version. */
  add(...files: readonly FileSpec[]): Promise<readonly string[]>;
  edit(edit: {
    readonly add?: readonly string[];
    readonly remove?: readonly string[];
  }): Promise<void>;
  yank(name: string, version: string, reason: string): Promise<void>;
  provenance(unit: string, provenance: object): Promise<void>;
}

const HOSTS = {
  PYPI_API_HOSTNAME: "https://index.example",
  CONTENT_ORIGIN: "https://files.example",
} as unknown as Partial<Settings>;

export async function createIndex(
  t: TestContext,
  options: { readonly settings?: object; readonly distribution?: object } = {},
): Promise<IndexWorld> {
  const api = await createPythonApi(t, { ...HOSTS, ...options.settings });
  const repository = await made(api, REPOSITORIES, { name: "repo" });
  const distribution = await made(api, DISTRIBUTIONS, {
    ...{ name: "index", base_path: "team/index", repository: repository.pulp_href },
    ...options.distribution,
  });
  const id = idOf(repository.pulp_href);
  const edit: IndexWorld["edit"] = async ({ add = [], remove = [] }) => {
    await createVersion(createJob(api), id, { add, remove });
  };
  return {
    api,
    repository: id,
    distribution: distribution.pulp_href,
    get: (path, more = {}) => api.get(`/pypi/team/index/${path}`, { user: null, ...more }),
    edit,
    async add(...files) {
      const units = await packages(api, files);
      await edit({ add: units });
      return units;
    },
    async yank(name, version, reason) {
      const row = { name_normalized: normalizeName(name), version, yanked_reason: reason };
      const units = [{ row, files: [] }];
      const [unit] = await saveUnits(api.ctx, { domain: api.domain, type: pythonYank, units });
      await edit({ add: [unit?.id ?? ""] });
    },
    async provenance(unit, provenance) {
      const digest = sha256(JSON.stringify(provenance));
      const units = [{ row: { package: unit, sha256: digest, provenance }, files: [] }];
      const type = pythonProvenance;
      const [saved] = await saveUnits(api.ctx, { domain: api.domain, type, units });
      await edit({ add: [saved?.id ?? ""] });
    },
  };
}

/** Units without bytes: their digests are those of their names. */
export async function packages(
  { ctx, domain }: Pick<TestApi, "ctx" | "domain">,
  files: readonly FileSpec[],
): Promise<string[]> {
  const units = files.map(({ metadata_sha256: metadata, more, ...file }) => ({
    row: {
      ...{ requires_python: "", size: 0, summary: "", author_email: "" },
      ...file,
      name_normalized: normalizeName(file.name),
      sha256: sha256(file.filename),
      packagetype: file.filename.endsWith(".whl") ? "bdist_wheel" : "sdist",
      metadata_sha256: metadata ? Buffer.from(metadata, "hex") : null,
      ...more,
    },
    files: [{ relativePath: file.filename, artifact: null }],
  }));
  const saved = await saveUnits(ctx, { domain, type: pythonPackage, units });
  return saved.map(({ id }) => id);
}

export const idOf = (href: string): string => {
  const [, id] = /([0-9a-f-]{36})\/$/.exec(href) ?? [];
  assert.ok(id, href);
  return id;
};
