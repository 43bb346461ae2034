import { encodePath } from "#base/paths.ts";
import { checkpointMoment, checkpointName } from "./checkpoint-moment.ts";
import type { ContentRequest, HandlerAnswer, Redirect, Resolution } from "./contract.ts";
import { checkpointListing, directoryListing, jsonListing } from "./listing.ts";
import { lookupContentArtifact, lookupFile, lookupGrace } from "./lookup.ts";
import { pullThrough } from "./pull-through.ts";
import { contentRoot } from "./request-path.ts";
import { type Question, type Source, serve } from "./source.ts";

const NO_SOURCE =
  "Distribution is not pointing to a publication, repository, repository version, or remote.";

/**
 * Says what a path below a distribution is (core-content §5.4). The guard has permitted already.
 */
export async function resolve(question: Question): Promise<Resolution> {
  for (const source of SOURCES) {
    const found = await source(question);
    if (found) return found;
  }
  const { repository, version, publication, remote } = question.request.match.distribution;
  return (repository ?? version ?? publication ?? remote)
    ? { kind: "missing" }
    : { kind: "missing", reason: NO_SOURCE };
}

/** The base path without its slash, or a checkpoint without it. */
const missingSlash: Source = async ({ request: { match, path, isDirectory, rawPath } }) => {
  if (isDirectory) return undefined;
  const isTop = path === "" || (match.distribution.isCheckpoint && !path.includes("/"));
  return isTop ? slashRedirect({ rawPath }) : undefined;
};

const pluginHandler: Source = async (question) => {
  const { ctx, request, handler } = question;
  return fromHandler(question, await handler.resolve?.(ctx, request));
};

const pluginJson: Source = async (question) => {
  const { ctx, request, handler } = question;
  if (!request.wantsJson) return undefined;
  return fromHandler(question, await handler.resolveJson?.(ctx, request));
};

/** A checkpoint path without a publication names no moment, or one before the first (§5.9). */
const checkpoint: Source = async ({ ctx, request }) => {
  const { match, path } = request;
  if (!match.distribution.isCheckpoint) return undefined;
  if (path === "") return checkpointListing(ctx, request);
  const moment = checkpointMoment(path, ctx.clock.now());
  if (!moment || !match.publication) return { kind: "missing" };
  const name = checkpointName(match.publication.created);
  if (name === moment.name) return undefined;
  const end = moment.rest !== "" && request.isDirectory ? "/" : "";
  const below = `${match.distribution.basePath}/${name}/${moment.rest}`;
  const root = contentRoot(ctx, match.domain);
  return { kind: "redirect", status: 301, location: `${root}${encodePath(below)}${end}` };
};

/** The files and directories of the publication, or of the version that is served directly. */
const content: Source = async (question) => {
  const inside = insideCheckpoint(question);
  const { match, isDirectory, path } = inside.request;
  if (!match.publication && (!match.version || inside.servesPublications)) return undefined;
  return isDirectory || path === "" ? directory(inside) : file(inside);
};

const grace: Source = async (question) => {
  const { ctx, request, servesPublications } = question;
  const { match, path, isDirectory } = request;
  if (!match.hasGrace || isDirectory || !servesPublications) return undefined;
  const found = await lookupGrace(ctx, match, path);
  return found && serve(question, found, path);
};

const SOURCES: readonly Source[] = [
  missingSlash,
  pluginHandler,
  checkpoint,
  pluginJson,
  content,
  grace,
  pullThrough,
];

/** Below a checkpoint, paths are those of its publication. */
function insideCheckpoint(question: Question): Question {
  const { request, ctx } = question;
  if (!request.match.distribution.isCheckpoint) return question;
  const path = checkpointMoment(request.path, ctx.clock.now())?.rest ?? "";
  return { ...question, request: { ...request, path } };
}

async function file(question: Question): Promise<Resolution | undefined> {
  const { ctx, request, handler } = question;
  const { match, path } = request;
  const found = await lookupFile(ctx, match, { path, unitPath: unitPath(question, path) });
  if (found.file) return serve(question, found.file, path);
  if (found.isDirectory) {
    if (match.publication || request.wantsJson) return slashRedirect(request);
    return (await index(question)) ?? slashRedirect(request);
  }
  const names = await handler.listDirectory?.(ctx, request, `${path}/`);
  return names?.length ? slashRedirect(request) : undefined;
}

async function directory(question: Question): Promise<Resolution | undefined> {
  const { ctx, request, handler } = question;
  const flat = request.wantsJson ? await jsonListing(ctx, request) : undefined;
  const page = flat ?? (await index(question));
  if (page) return page;
  const names = await handler.listDirectory?.(ctx, request, request.path && `${request.path}/`);
  return directoryListing(ctx, request, names ?? []);
}

/** `index.html` of a directory: of a publication only if the publication itself lists it. */
async function index(question: Question): Promise<Resolution | undefined> {
  const { ctx, request } = question;
  const path = request.path === "" ? "index.html" : `${request.path}/index.html`;
  const publishedOnly = request.match.publication !== null;
  const found = await lookupFile(ctx, request.match, { path, unitPath: path, publishedOnly });
  return found.file && serve(question, found.file, path);
}

/** Path of the unit file that a path of the publication stands for. */
function unitPath({ request, handler }: Question, path: string): string | undefined {
  const layout = request.match.publication?.layout ?? "pass_through";
  return layout === "pass_through" ? path : handler.layouts?.[layout]?.(path);
}

/** Turns a plugin's answer into one of ours; a unit file is looked up. */
async function fromHandler(
  question: Question,
  answer: HandlerAnswer | undefined,
): Promise<Resolution | undefined> {
  if (answer?.kind !== "content_artifact") return answer;
  const { ctx, request } = question;
  const found = await lookupContentArtifact(ctx, request.match, answer.id);
  if (!found) return { kind: "missing" };
  return serve(question, found, request.path, answer.headers);
}

const slashRedirect = ({ rawPath }: Pick<ContentRequest, "rawPath">): Redirect => ({
  kind: "redirect",
  status: 301,
  location: `${rawPath}/`,
});
