import type { Answer, Api } from "../../test/support/api.ts";
import { sha256 } from "./digest.ts";
import type { Change, Ledger } from "./ledger.ts";

export interface Target {
  readonly api: Api;
  readonly contentUrl: string;
}

export interface Verify extends Target {
  readonly ledger: Ledger;
  /** Base path and repository of every distribution. */
  readonly sites: ReadonlyMap<string, string>;
}

type Findings = readonly string[];

/** The newest of each kind; the older ones have been looked at before. */
const NEWEST = 30;
/** The content app may answer from its memory for so long after a change. */
const FRESH_MS = 5000;

/** Compares what was acknowledged with what is there, while nothing is running. */
export async function verify({ api, contentUrl, ledger, sites }: Verify): Promise<Findings> {
  const objects = [...ledger.publications.keys(), ...ledger.repositories].slice(-NEWEST);
  const checks = [
    ...newest(ledger.loose).map(([href, digest]) => looseFindings(api, href, digest)),
    ...newest(ledger.versions).map(([href, change]) => versionFindings(api, href, change)),
    ...objects.map((href) => versionFindings(api, href, undefined)),
    ...[...ledger.gone].slice(-NEWEST).map((href) => goneFindings(api, href)),
    ...[...sites].map((site) => siteFindings({ api, contentUrl, ledger }, site)),
  ];
  return [...ledger.wrong.splice(0), ...(await Promise.all(checks)).flat()];
}

const newest = <Value>(map: ReadonlyMap<string, Value>) => [...map].slice(-NEWEST);

async function looseFindings(api: Api, href: string, digest: string): Promise<Findings> {
  const found = await orError(api.get(href));
  return found.sha256 === digest ? [] : [`${href} was acknowledged: ${found.message}`];
}

async function versionFindings(api: Api, href: string, change: Change | undefined) {
  const found = await orError(api.get(href));
  if (!found.pulp_href) return [`${href} was acknowledged: ${found.message}`];
  if (!change || (await has(api, href, change.unit)) === change.isMember) return [];
  return [`${href} ${change.isMember ? "lacks" : "has"} ${change.unit}`];
}

async function goneFindings(api: Api, href: string): Promise<Findings> {
  const { status } = await api.request("GET", href);
  return status === 404 ? [] : [`${href} was deleted, now: ${status}`];
}

const orError = (answer: Promise<Answer>): Promise<Answer> =>
  answer.catch((error: Error) => ({ message: error.message }));

async function has(api: Api, version: string, unit: string): Promise<boolean> {
  const query = `repository_version=${version}&pulp_href__in=${unit}`;
  return (await api.get(`content/file/files/?${query}`)).count === 1;
}

type Site = readonly [name: string, repository: string];

/** What was acknowledged is served; a change that was not may be there without its publication. */
async function siteFindings(
  { api, contentUrl, ledger }: Omit<Verify, "sites">,
  [site, repository]: Site,
): Promise<Findings> {
  const { latest_version_href, autopublish } = await api.get(repository);
  const members = await membersOf(api, latest_version_href);
  const kept = site === "keeper" ? [...ledger.kept] : [];
  const lost = kept.filter(([path, digest]) => members.get(path) !== digest);
  const isAcknowledged = autopublish && ledger.versions.has(latest_version_href);
  const expected = isAcknowledged ? [...members.keys()] : kept.map(([path]) => path);
  const base = `${contentUrl}/pulp/content/${site}/`;
  const lines = await settled(base, (served) => expected.every((path) => served.has(path)));
  const served = new Set(lines.map(pathOf));
  const missing = expected.filter((path) => !served.has(path));
  const extra = isAcknowledged ? [...served].filter((path) => !members.has(path)) : [];
  return [
    ...lost.map(([path]) => `${site} lost ${path}`),
    ...missing.map((path) => `${site} does not serve ${path}`),
    ...extra.map((path) => `${site} still serves ${path}`),
    ...(await fileFindings(base, lines.slice(-8))),
  ];
}

const pathOf = (line: string): string => line.slice(0, line.indexOf(","));

/** Paths and digests of a version. */
async function membersOf(api: Api, version: string): Promise<Map<string, string>> {
  const members = new Map<string, string>();
  let next: string | null = `content/file/files/?limit=1000&repository_version=${version}`;
  while (next !== null) {
    const page: Answer = await api.get(next);
    for (const { relative_path, sha256: digest } of page.results)
      members.set(relative_path, digest);
    const url: URL | undefined = page.next === null ? undefined : new URL(page.next);
    next = url ? url.pathname + url.search : null;
  }
  return members;
}

async function fileFindings(base: string, lines: readonly string[]): Promise<Findings> {
  const findings = lines.map(async (line) => {
    const [path = "", digest] = line.split(",");
    const response = await fetch(base + path);
    const found = sha256(Buffer.from(await response.arrayBuffer()));
    return found === digest ? [] : [`${base}${path}: ${response.status}, ${found}`];
  });
  return (await Promise.all(findings)).flat();
}

/** Lines of the manifest, asked for again while the content app may remember the one before. */
async function settled(
  base: string,
  isFresh: (served: ReadonlySet<string>) => boolean,
): Promise<readonly string[]> {
  const deadline = Date.now() + FRESH_MS;
  for (;;) {
    const response = await fetch(`${base}PULP_MANIFEST`);
    const text = await response.text();
    const lines = response.ok ? text.split("\n").filter(Boolean) : [];
    if (isFresh(new Set(lines.map(pathOf))) || Date.now() > deadline) return lines;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
