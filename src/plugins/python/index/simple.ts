import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { evaluate } from "#base/conditional.ts";
import { CodedError } from "#base/errors.ts";
import type { Call, Ctx } from "#sdk";
import { normalizeName } from "../format/names.ts";
import { joinedFiles, pulledFiles } from "../pull/pulled-files.ts";
import { upstreamProjects } from "../pull/upstream-list.ts";
import { contentUrl } from "./addresses.ts";
import { indexPage, membersAt, urlsOf } from "./index-pages.ts";
import { escaped } from "./markup.ts";
import {
  type Members,
  type Project,
  type ProjectFile,
  projectFiles,
  projects,
  SORTED_AT_ONCE,
} from "./members.ts";
import { type SimpleType, simpleType } from "./negotiate.ts";
import { pageOf } from "./page-cache.ts";
import type { IndexPlace } from "./place.ts";
import { cachingHeaders, changedMs, sendPage } from "./send-page.ts";
import {
  htmlList,
  jsonList,
  LAST_SERIAL,
  type ListForm,
  projectHtml,
  projectJson,
} from "./simple-pages.ts";

const HEADERS = { "x-pypi-last-serial": String(LAST_SERIAL) };

const typeFor = ({ request, query }: Call): SimpleType =>
  simpleType(request.headers.accept, query.get("format"));

const isJson = (type: SimpleType): boolean => type.endsWith("json");
const mediaType = (type: SimpleType): string =>
  type === "text/html" ? "text/html; charset=utf-8" : type;

/** `simple/`: every project (plugin-python §6.3). */
export async function sendProjects(call: Call, place: IndexPlace): Promise<undefined> {
  if (place.isPublished) return redirect(call, place, "simple/");
  const type = typeFor(call);
  const form = isJson(type) ? jsonList : htmlList;
  if (place.hasRemote && place.version === null) return sendUpstreamList(call, place, form);
  const members = membersAt(place);
  if (members.version.packages > SORTED_AT_ONCE) {
    streamList(call, place, { members, type, form });
    return undefined;
  }
  const { page, isHit } = await indexPage(call, place, ["simple", type], () =>
    wholeList(call.ctx, members, form),
  );
  if (page) {
    const lastModifiedMs = changedMs(members.version);
    sendPage(call, place, { page, isHit, lastModifiedMs, type: mediaType(type), headers: HEADERS });
  }
  return undefined;
}

/** An index of nothing but a remote has upstream's list, as it comes. */
async function sendUpstreamList(call: Call, place: IndexPlace, form: ListForm): Promise<undefined> {
  const { ctx, caller, request, reply } = call;
  const of = { domain: caller.domain, distribution: place.object.id };
  const projects = upstreamProjects(ctx, of);
  const parts = formed(projects, form);
  try {
    // With the first project it is known that there is a list.
    const start = (await parts.next()).value ?? "";
    const type = mediaType(typeFor(call));
    reply.headers({
      ...HEADERS,
      "content-type": type,
      "cache-control": "no-cache",
      vary: "Accept",
    });
    if (request.method === "HEAD") await parts.return(undefined);
    reply.send(Readable.from(request.method === "HEAD" ? [] : continued(start, parts)));
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    ctx.log.warn(`The list of upstream cannot be had: ${error.message}`);
    reply.code(502).send("The list of projects cannot be had from upstream.");
  }
  return undefined;
}

/** The text of a list; the first part has the first projects. */
async function* formed(
  projects: AsyncIterable<readonly Project[]>,
  form: ListForm,
): AsyncGenerator<string, undefined> {
  let start = form.start;
  let isFirst = true;
  for await (const some of projects) {
    if (some.length === 0) continue;
    yield start + form.part(some, isFirst);
    start = "";
    isFirst = false;
  }
  yield start + form.end;
}

async function* continued(start: string, rest: AsyncGenerator<string>): AsyncGenerator<string> {
  yield start;
  yield* rest;
}

async function wholeList(ctx: Ctx, members: Members, form: ListForm): Promise<string> {
  const parts: string[] = [];
  for await (const part of listParts(ctx, members, form)) parts.push(part);
  return parts.join("");
}

async function* listParts(ctx: Ctx, members: Members, form: ListForm): AsyncGenerator<string> {
  yield form.start;
  let isFirst = true;
  for await (const some of projects(ctx, members)) {
    yield form.part(some, isFirst);
    isFirst = false;
  }
  yield form.end;
}

/** A long list is never in memory as a whole, so what it is made of stands for its bytes. */
function streamList(
  call: Call,
  place: IndexPlace,
  of: { readonly members: Members; readonly type: SimpleType; readonly form: ListForm },
): void {
  const { ctx, request, reply } = call;
  const { members, type, form } = of;
  const { version } = members;
  const state = [place.object.id, place.updated, version.id, version.touched, type];
  const etag = `"${createHash("sha256").update(state.join("\n")).digest("hex").slice(0, 32)}"`;
  const validators = { etag, lastModifiedMs: changedMs(version) };
  reply.headers({ ...HEADERS, ...cachingHeaders(place, validators) });
  const status = evaluate(request.headers, validators);
  reply.code(status);
  if (status !== 200) reply.send();
  else {
    const parts = request.method === "HEAD" ? [] : listParts(ctx, members, form);
    reply.header("content-type", mediaType(type)).send(Readable.from(parts));
  }
}

/** `simple/<project>/`: the files of a project under any spelling of its name. */
export async function sendProject(
  call: Call,
  place: IndexPlace,
  spelling: string,
): Promise<undefined> {
  const name = normalizeName(spelling);
  if (place.isPublished && !place.hasRemote) {
    return redirect(call, place, `simple/${encodeURIComponent(name)}/`);
  }
  const type = typeFor(call);
  if (place.hasRemote) return sendPulledProject(call, place, { name, type });
  const { page, isHit } = await indexPage(call, place, ["project", type, name], (members) =>
    projectText(call, place, { members, name, type }),
  );
  if (!page) return sendMissing(call, `${name} does not exist.`);
  const lastModifiedMs = place.version ? changedMs(place.version) : undefined;
  const more = lastModifiedMs === undefined ? {} : { lastModifiedMs };
  sendPage(call, place, { page, isHit, ...more, type: mediaType(type), headers: HEADERS });
  return undefined;
}

/** What the repository has and what upstream has; upstream may change at any time. */
async function sendPulledProject(
  call: Call,
  place: IndexPlace,
  { name, type }: { readonly name: string; readonly type: SimpleType },
): Promise<undefined> {
  const { ctx, caller } = call;
  const urls = urlsOf(call, place);
  const of = { domain: caller.domain, distribution: place.object.id, content: urls.content };
  const local = place.version ? await projectFiles(ctx, membersAt(place), name) : [];
  const files = joinedFiles(local, await pulledFiles(ctx, of, name));
  if (files.length === 0) return sendMissing(call, `${name} does not exist.`);
  const text = isJson(type) ? projectJson(name, files, urls) : projectHtml(name, files, urls);
  const page = await pageOf(text);
  sendPage(call, place, { page, isHit: false, type: mediaType(type), headers: HEADERS });
  return undefined;
}

async function projectText(
  call: Call,
  place: IndexPlace,
  of: { readonly members: Members; readonly name: string; readonly type: SimpleType },
): Promise<string | undefined> {
  const files: readonly ProjectFile[] = await projectFiles(call.ctx, of.members, of.name);
  if (files.length === 0) return undefined;
  const urls = urlsOf(call, place);
  return isJson(of.type) ? projectJson(of.name, files, urls) : projectHtml(of.name, files, urls);
}

/** Clients go on to their next index after a 404. */
export function sendMissing({ reply }: Call, text: string): undefined {
  reply
    .code(404)
    .headers({ ...HEADERS, "content-type": "text/html; charset=utf-8" })
    .send(Buffer.from(escaped(text)));
  return undefined;
}

/** The content app has the pages of a publication. */
function redirect(call: Call, { basePath }: IndexPlace, path: string): undefined {
  const { ctx, caller, reply } = call;
  const base = contentUrl({ ctx, domain: caller.domain.name, basePath });
  reply.code(302).header("location", `${base}${path}`).send();
  return undefined;
}
