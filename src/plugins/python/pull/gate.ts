import type { ContentHandler, Ctx } from "#sdk";
import { parseFilename } from "../format/filename.ts";
import { normalizeName } from "../format/names.ts";
import { type IndexRules, ruleBook } from "../index/rules.ts";
import { pulledNames } from "../index/shelf-members.ts";
import { ageRefusal } from "../mirror/release-age.ts";
import type { PulledRequest } from "./link.ts";
import { pageKey, remoteOf } from "./pulled-files.ts";
import { upstreamPage } from "./upstream-pages.ts";

type Request = Parameters<NonNullable<ContentHandler["resolve"]>>[1];

/** Why a file is not sent. */
export interface Refused {
  readonly kind: "missing";
  readonly status: 403 | 502;
  readonly reason: string;
}

const refused = (reason: string, status: 403 | 502 = 403): Refused => ({
  kind: "missing",
  status,
  reason,
});

/** What the owner of the index of a request says, as far as downloads go. */
export interface Served extends IndexRules {
  readonly updated: string;
  readonly isGroup: boolean;
}

const SERVED = {
  name: "python-served-rules",
  text: `
select x.updated, d.members <> '[]' as "isGroup", d.private_names as "privateNames",
  d.allowed_packages as allowed, d.denied_packages as denied
from python_distribution d join distribution x on x.id = d.id
where d.domain = $1 and d.id = $2`,
};

export async function servedRules(
  { hot }: Pick<Ctx, "hot">,
  { match: { domain, distribution } }: Request,
): Promise<Served | undefined> {
  const [row] = await hot.query<Served>(SERVED, [domain.num, distribution.id]);
  return row;
}

/** What a path names, with or without the metadata beside it; undefined for what is no file. */
export function namedFile(path: string) {
  const filename = path.endsWith(".metadata") ? path.slice(0, -".metadata".length) : path;
  const parsed = path.includes("/") ? undefined : parseFilename(filename);
  return parsed && { filename, name: normalizeName(parsed.name), version: parsed.version };
}

export type NamedFile = NonNullable<ReturnType<typeof namedFile>>;

/**
 * Why the rules of the index keep a file back: it hides from downloads what it hides from pages.
 *
 * @param served rules of the distribution; undefined has none.
 */
export async function ruleRefusal(
  ctx: Ctx,
  request: Request,
  asked: { readonly served: Served | undefined; readonly file: NamedFile },
): Promise<Refused | undefined> {
  const { served: rules, file } = asked;
  if (!rules) return undefined;
  const { domain, distribution } = request.match;
  const book = ruleBook(ctx, { id: distribution.id, updated: rules.updated, rules });
  if (book.isEmpty) return undefined;
  const { name, version } = (await storedRelease(ctx, request, file)) ?? file;
  const reason = book.refusal(name, version);
  if (reason !== undefined) return refused(`${file.filename} is withheld: ${reason}.`);
  const { remote } = distribution;
  if (remote === null || !book.isPrivate(file.name)) return undefined;
  const pulled = await pulledNames(ctx, { domain: domain.num, remote: remote.id }, file.name);
  if (!request.query.has("redirect") && !pulled.has(file.filename)) return undefined;
  return refused(`${file.filename} is not taken from upstream: the name is private here.`);
}

const RELEASE = {
  name: "python-served-release",
  text: `
select p.name_normalized as name, p.version from python_package p
join membership m on m.content = p.id and m.repository = $2 and m.added <= $3 and m.removed > $3
where p.domain = $1 and p.filename = $4`,
};

/** What a file of the served version says of itself: pages know it by that, not by its name. */
async function storedRelease(
  { hot }: Ctx,
  { match: { domain, version } }: Request,
  { filename }: NamedFile,
): Promise<{ readonly name: string; readonly version: string } | undefined> {
  if (version === null) return undefined;
  const values = [domain.num, version.repository, version.number, filename];
  const [row] = await hot.query<{ name: string; version: string }>(RELEASE, values);
  return row;
}

/** Why a file is too young to be fetched, as upstream's page tells at this moment. */
export async function upstreamRefusal(
  ctx: Ctx,
  { match: { domain, distribution } }: Request,
  { filename }: PulledRequest,
): Promise<Refused | undefined> {
  const remote = await remoteOf(ctx, { domain, distribution: distribution.id });
  const file = namedFile(filename);
  if (!remote || remote.age === 0 || !file) return undefined;
  const page = await upstreamPage(ctx, pageKey(domain, remote, file.name));
  if (page.isDown) return refused(`${filename} cannot be had: upstream does not answer.`, 502);
  const entry = page.files.find((one) => one.filename === filename);
  const age = { hours: remote.age, nowMs: ctx.clock.now() };
  const reason = ageRefusal(entry?.uploadTime ?? null, age);
  return reason === undefined ? undefined : refused(`${filename} is withheld: ${reason}.`);
}
