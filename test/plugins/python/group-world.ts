import type { TestContext } from "node:test";
import { createVersion } from "#core/repositories/commands.ts";
import type { Settings } from "#platform/config/settings.ts";
import { python } from "#plugins/python/plugin.ts";
import { servePulled } from "#plugins/python/pull/deliver.ts";
import { createSite } from "../../delivery/site.ts";
import { createJob } from "../../support/job.ts";
import type { RequestOptions, TestAnswer } from "../../support/rest-api.ts";
import { answer, createUpstream, type Upstream } from "../../support/upstream.ts";
import { type FileSpec, idOf, packages } from "./index-world.ts";
import { page, SIMPLE_JSON, type UpstreamFile } from "./mirror-world.ts";
import { createPythonApi, DISTRIBUTIONS, made, REMOTES, REPOSITORIES } from "./support.ts";

export const ORIGIN = "https://files.example";

const SETTINGS = {
  PYPI_API_HOSTNAME: "https://index.example",
  CONTENT_ORIGIN: ORIGIN,
  PYTHON_UPSTREAM_PAGE_SECONDS: 0,
  CACHE_ENABLED: true,
} as unknown as Partial<Settings>;

/** Hosted indexes, windows on upstreams, and groups of them, with the content app beside the API. */
export async function createGroups(t: TestContext) {
  const api = await createPythonApi(t, SETTINGS);
  const site = await createSite(t, {
    ...{ beside: api, plugins: [python], handlers: [servePulled] },
    settings: SETTINGS,
  });
  const repositories = new Map<string, string>();
  const hrefs = new Map<string, string>();
  const distribution = async (name: string, more: object): Promise<string> => {
    const { pulp_href } = await made(api, DISTRIBUTIONS, { name, base_path: name, ...more });
    hrefs.set(name, pulp_href);
    return pulp_href;
  };
  const get = (path: string, options: RequestOptions = {}): Promise<TestAnswer> =>
    api.get(`/pypi/${path}`, { user: null, ...options });
  return {
    ...{ api, site, get },
    href: (name: string) => hrefs.get(name) ?? "",
    /** An index with a repository of its own. */
    async hosted(name: string, files: readonly FileSpec[], more: object = {}) {
      const repository = await made(api, REPOSITORIES, { name });
      repositories.set(name, repository.pulp_href);
      const href = await distribution(name, { repository: repository.pulp_href, ...more });
      if (files.length > 0) await this.add(name, ...files);
      return href;
    },
    async add(name: string, ...files: readonly FileSpec[]) {
      const units = await packages(api, files);
      const id = idOf(repositories.get(name) ?? "");
      await createVersion(createJob(api), id, { add: units, remove: [] });
      return units;
    },
    repository: (name: string) => repositories.get(name) ?? "",
    remote: (name: string) => repositories.get(`remote ${name}`) ?? "",
    /** An index of nothing but an upstream, which is returned. */
    async window(name: string, more: { remote?: object; distribution?: object } = {}) {
      const upstream = await createUpstream(t);
      upstream.otherwise(answer.status(404));
      const remote = await made(api, REMOTES, {
        ...{ name, url: upstream.url, max_retries: 0 },
        ...more.remote,
      });
      repositories.set(`remote ${name}`, remote.pulp_href);
      await distribution(name, { remote: remote.pulp_href, ...more.distribution });
      return upstream;
    },
    group: (name: string, members: readonly string[], more: object = {}) =>
      distribution(name, { members: members.map((one) => hrefs.get(one)), ...more }),
    /** File name → address, or the status. */
    async files(name: string, project: string, options: RequestOptions = {}) {
      const headers = { accept: SIMPLE_JSON };
      const found = await get(`${name}/simple/${project}/`, { headers, ...options });
      if (found.status !== 200) return found.status;
      const files = found.body.files as { filename: string; url: string }[];
      return Object.fromEntries(files.map(({ filename, url }) => [filename, url.split("?")[0]]));
    },
    /** Asks the content app for an address that a page told. */
    fetch: (url: string) => site.get(url.startsWith(ORIGIN) ? url.slice(ORIGIN.length) : url),
  };
}

export type Groups = Awaited<ReturnType<typeof createGroups>>;

/** Serves the page of a project. */
export function serve(
  upstream: Upstream,
  name: string,
  files: readonly UpstreamFile[],
  more: object = {},
): void {
  const text = JSON.stringify({ ...JSON.parse(page(name, files)), ...more });
  upstream.on(`/simple/${name}/`, answer.file(text, { "content-type": SIMPLE_JSON }));
  for (const { filename, content = filename } of files)
    upstream.on(`/files/${filename}`, answer.file(content));
}

/** A wheel's name and metadata, for rows and pages. */
export const release = (name: string, version: string): FileSpec & UpstreamFile => ({
  filename: `${name.replaceAll("-", "_")}-${version}-py3-none-any.whl`,
  name,
  version,
});

/** The same as an upstream lists it. */
export const listed = (name: string, version: string, more: object = {}): UpstreamFile => ({
  filename: release(name, version).filename,
  ...more,
});
