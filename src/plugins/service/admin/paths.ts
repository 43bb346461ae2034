import type { AdminModel } from "../access/admin-rights.ts";

/** Where the site lies, whatever the API root is (service §11). */
export const SITE = "/api/pulp-mgmt/";

export const LOG_IN = `${SITE}login/`;
export const LOG_OUT = `${SITE}logout/`;
export const PASSWORD = `${SITE}password_change/`;
export const ACQUIRE = "/api/pulp/hijack/acquire/";
export const RELEASE = "/api/pulp/hijack/release/";

const APPS: Readonly<Record<AdminModel, string>> = {
  domainorg: "service",
  group: "core",
  domain: "core",
  user: "auth",
  task: "core",
};

export const listPath = (model: AdminModel): string => `${SITE}${APPS[model]}/${model}/`;
export const addPath = (model: AdminModel): string => `${listPath(model)}add/`;

export type ObjectPage = "change" | "delete" | "history";

export const objectPath = (model: AdminModel, key: string | number, page: ObjectPage): string =>
  `${listPath(model)}${encodeURIComponent(key)}/${page}/`;

/** How the audit trail calls a page of a model: `pulp_mgmt_core_group_change`. */
export const pageName = (model: AdminModel, page: string): string =>
  `pulp_mgmt_${APPS[model]}_${model}_${page}`;

/** A path with those parameters that say something. */
export function withQuery(
  path: string,
  parameters: Readonly<Record<string, string | undefined>>,
): string {
  const given = Object.entries(parameters).flatMap(([name, value]): [string, string][] =>
    value === undefined || value === "" ? [] : [[name, value]],
  );
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given)}`;
}
