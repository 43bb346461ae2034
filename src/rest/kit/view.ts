import type { Caller, Ctx } from "#core/ctx.ts";
import type { Family } from "#core/plugin-contract.ts";
import type { ApiIndex } from "./api-index.ts";

/** How addresses look to the one who asks: root, domain and origin of the request. */
export interface View {
  /** `API_ROOT`, or what the rewrite header says; slashes at both ends. */
  readonly root: string;
  readonly domainEnabled: boolean;
  /** Name of the domain of the request. */
  readonly domain: string;
  /** `http://host:port`, for links that must be absolute. */
  readonly origin: string;
  readonly ctx: Ctx;
  readonly api: ApiIndex;
}

/** The view of a task: no request, so no origin and no rewritten root. */
export const taskView = (ctx: Ctx, api: ApiIndex, caller: Caller): View => ({
  root: ctx.settings.API_ROOT,
  domainEnabled: ctx.settings.DOMAIN_ENABLED,
  domain: caller.domain.name,
  origin: "",
  ctx,
  api,
});

/** Path of the API below which hrefs begin. */
export const apiBase = ({ root, domainEnabled }: View, domain: string): string =>
  `${root}${domainEnabled ? `${domain}/` : ""}api/v3/`;

/** Href of a path below the API root; objects of no domain belong to `default` (core-rest §1.3). */
export const href = (view: View, path: string, domain: string = view.domain): string =>
  `${apiBase(view, domain)}${path}`;

export const globalHref = (view: View, path: string): string => href(view, path, "default");

/** Href of a master and detail object by its family and `pulp_type`. */
export const entityHref = (view: View, family: Family, type: string, id: string): string =>
  href(view, `${view.ctx.plugins.entity(family, type).path}/${id}/`);

/** What identifies a version on the wire. */
export interface VersionAddress {
  readonly type: string;
  readonly repository: string;
  readonly number: number;
}

export const versionPath = (view: View, { type, repository, number }: VersionAddress): string =>
  `${view.ctx.plugins.entity("repository", type).path}/${repository}/versions/${number}/`;

export const versionHref = (view: View, address: VersionAddress): string =>
  href(view, versionPath(view, address));
