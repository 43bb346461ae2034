import type { Answer, Api } from "../../test/support/api.ts";
import type { FileUpstream } from "../../test/support/file-upstream.ts";
import { sha256 } from "./digest.ts";
import type { Ledger } from "./ledger.ts";
import type { Random } from "./random.ts";
import { Refused, type Step } from "./refused.ts";

export interface Scene {
  readonly random: Random;
  readonly ledger: Ledger;
  readonly upstream: FileUpstream;
  /** Repositories that everybody changes. */
  readonly shared: readonly string[];
  /** The repository that files are only ever added to. */
  readonly keeper: () => string;
  /** The repository that has all of one set of units, or all of the other. */
  readonly flip: () => { readonly href: string; readonly sets: readonly (readonly string[])[] };
}

/** The first of the shared repositories publish by themselves. */
export const AUTOPUBLISHING = 2;

/** Steps in the mix in which clients take them. */
export function createSteps(scene: Scene): readonly Step[] {
  const { random, ledger, shared } = scene;
  const change =
    (href: string, body: object, expected?: Answer): Step =>
    async (api) =>
      rememberVersions(ledger, await api.done(await api.post(href, body)), expected);

  const upload: Step = async (api) => {
    const moment = ledger.moment();
    const { body, digest } = unitForm(random);
    const task = await api.done(await api.post("content/file/files/", body));
    ledger.addLoose(moment, created(task, "/content/file/files/"), digest);
  };
  const keep: Step = async (api) => {
    const { body, path, digest } = unitForm(random);
    body.append("repository", scene.keeper());
    await api.done(await api.post("content/file/files/", body));
    ledger.kept.set(path, digest);
  };
  const artifact: Step = async (api) => {
    const moment = ledger.moment();
    const content = random.bytes(1 + random.below(200_000));
    const body = new FormData();
    body.append("file", new Blob([content]), "file");
    const { pulp_href } = await api.post("artifacts/", body);
    ledger.addLoose(moment, pulp_href, sha256(content));
  };
  const sync: Step = (api) => {
    const href = random.pick(shared);
    // Repositories that publish by themselves cannot mirror.
    const mirror = shared.indexOf(href) >= AUTOPUBLISHING && random.below(2) === 0;
    return change(`${href}sync/`, { mirror })(api);
  };
  const modify: Step = async (api) => {
    const units = [...ledger.loose.keys()].filter((href) => href.includes("/content/"));
    if (units.length === 0) return upload(api);
    const unit = random.pick(units);
    const isMember = random.below(3) > 0;
    const body = { [isMember ? "add_content_units" : "remove_content_units"]: [unit] };
    await change(`${random.pick(shared)}modify/`, body, { unit, isMember })(api);
  };
  const publish: Step = async (api) => {
    const body = { repository: random.pick(shared) };
    const task = await api.done(await api.post("publications/file/file/", body));
    const href = created(task, "/publications/");
    const { repository_version } = await api.get(href);
    ledger.publications.set(href, repository_version);
  };
  const turn: Step = async (api) => {
    const { href, sets } = scene.flip();
    const body = { remove_content_units: ["*"], add_content_units: random.pick(sets) };
    await change(`${href}modify/`, body)(api);
  };
  const grow: Step = async (api) => {
    const content = random.bytes(2000);
    await scene.upstream.put(`new/${sha256(content).slice(0, 12)}`, content);
    await sync(api);
  };
  return [
    ...[upload, upload, keep, keep, artifact, chunked(scene), chunked(scene)],
    ...[sync, sync, grow, modify, modify, publish, turn, turn],
    ...[dropVersion(scene), cleanUp(scene), comeAndGo(scene)],
  ];
}

const chunked =
  ({ random, ledger }: Scene): Step =>
  async (api) => {
    const moment = ledger.moment();
    const content = random.bytes(30_000);
    const { pulp_href } = await api.post("uploads/", { size: content.length });
    for (const start of [20_000, 0, 10_000]) {
      const body = new FormData();
      body.append("file", new Blob([content.subarray(start, start + 10_000)]), "file");
      const headers = { "content-range": `bytes ${start}-${start + 9999}/${content.length}` };
      await accepted(await api.request("PUT", pulp_href, { body, headers }), "PUT a chunk");
    }
    const task = await api.done(await api.post(`${pulp_href}commit/`, { sha256: sha256(content) }));
    ledger.addLoose(moment, created(task, "/artifacts/"), sha256(content));
  };

const dropVersion =
  ({ random, ledger, shared }: Scene): Step =>
  async (api) => {
    const { results } = await api.get(`${random.pick(shared)}versions/?limit=20&offset=1`);
    if (results.length < 3) return;
    const { pulp_href } = random.pick<Answer>(results.slice(0, -1));
    await remove(api, ledger, pulp_href);
  };

const cleanUp =
  ({ ledger }: Scene): Step =>
  async (api) => {
    ledger.beginCleaning();
    await api.done(await api.post("orphans/cleanup/", { orphan_protection_time: 0 }));
  };

/** A repository that is made, filled, and in the end deleted. */
const comeAndGo =
  ({ random, ledger, upstream }: Scene): Step =>
  async (api) => {
    const name = `passing-${random.below(2 ** 31)}`;
    const { pulp_href } = await api.post("repositories/file/file/", { name, autopublish: true });
    ledger.repositories.add(pulp_href);
    const remote = { name, url: upstream.manifestUrl, policy: "on_demand" };
    const made = await api.post("remotes/file/file/", remote);
    const body = { remote: made.pulp_href };
    rememberVersions(ledger, await api.done(await api.post(`${pulp_href}sync/`, body)));
    if (random.below(2) === 0) await remove(api, ledger, pulp_href);
  };

async function remove(api: Api, ledger: Ledger, href: string): Promise<void> {
  ledger.forget(href);
  const response = await api.request("DELETE", href);
  // An interrupted publish leaves the version before it in use.
  if (response.status === 404 || (await isServed(response.clone()))) return;
  await api.done(JSON.parse(await accepted(response, `DELETE ${href}`)));
  ledger.gone.add(href);
}

const isServed = async (response: Response): Promise<boolean> =>
  response.status === 400 && /currently being used to distribute/.test(await response.text());

async function accepted(response: Response, what: string): Promise<string> {
  const text = await response.text();
  if (!response.ok) throw new Refused(what, response.status, text);
  return text;
}

export function unitForm(random: Random) {
  const content = random.bytes(1 + random.below(20_000));
  const digest = sha256(content);
  const path = `up/${digest.slice(0, 12)}`;
  const body = new FormData();
  body.append("relative_path", path);
  body.append("file", new Blob([content]), "file");
  return { body, path, digest };
}

export function created(task: Answer, part: string): string {
  const hrefs = task.created_resources as readonly string[];
  const href = hrefs.find((each) => each.includes(part));
  if (href === undefined) throw new Error(`${task.pulp_href} completed and made no ${part}`);
  return href;
}

function rememberVersions(ledger: Ledger, task: Answer, expected?: Answer): void {
  for (const href of task.created_resources as readonly string[]) {
    if (/\/versions\/\d+\/$/.test(href)) ledger.versions.set(href, expected);
  }
}
