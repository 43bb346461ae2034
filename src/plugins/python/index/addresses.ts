import { encodePath } from "#base/paths.ts";
import type { Ctx } from "#sdk";
import { indexOrigin, indexPrefix } from "../settings.ts";

/** How the addresses of an index begin. */
export interface IndexAddress {
  readonly ctx: Pick<Ctx, "settings">;
  /** Name. */
  readonly domain: string;
  readonly basePath: string;
}

/** The index itself, with a slash at the end: `IDX` of plugin-python §6.1. */
export const indexUrl = (at: IndexAddress): string =>
  `${indexOrigin(at.ctx)}${indexPrefix(at.ctx)}${placePath(at)}`;

/** Where the content app serves the files of the index. */
export function contentUrl(at: IndexAddress): string {
  const { CONTENT_ORIGIN: origin, CONTENT_PATH_PREFIX: prefix } = at.ctx.settings;
  return `${origin ?? indexOrigin(at.ctx)}${prefix}${placePath(at)}`;
}

function placePath({ ctx, domain, basePath }: IndexAddress): string {
  return `${ctx.settings.DOMAIN_ENABLED ? `${domain}/` : ""}${encodePath(basePath)}/`;
}

/** Of the signed statement about who made a file (plugin-python §6.8). */
export function provenanceUrl(
  index: string,
  file: { readonly name: string; readonly version: string; readonly filename: string },
): string {
  const path = [file.name, file.version, file.filename].map(encodeURIComponent).join("/");
  return `${index}integrity/${path}/provenance/`;
}
