import type { Body } from "../resource.ts";
import {
  type AnySite,
  type SiteOperation,
  type SitePlace,
  type SiteRoute,
  siteOperationId,
} from "../site.ts";
import { FIELD_PARAMETERS, type Operation, queryParameters, requestBody } from "./operations.ts";
import type { Node } from "./schemas.ts";

/** What the description says about a site. @param prefix default is the site's own. */
export const siteOperations = (site: AnySite, prefix = site.prefix.default): Operation[] =>
  described(site).flatMap((route) =>
    route.operations.map((operation) => describe(site, prefix, { route, operation })),
  );

/** Bodies of the described operations. */
export const siteBodies = (site: AnySite): readonly Body[] =>
  described(site).flatMap(({ operations }) => operations.flatMap(({ body }) => body ?? []));

const described = (site: AnySite): readonly SiteRoute<SitePlace>[] =>
  site.routes.filter(({ isUndescribed = false }) => !isUndescribed);

function describe(
  { label }: AnySite,
  prefix: string,
  of: { readonly route: SiteRoute<SitePlace>; readonly operation: SiteOperation<SitePlace> },
): Operation {
  const { route, operation } = of;
  const names = [...route.path.matchAll(/:(\w+)/g)].map(([, name = ""]) => name);
  const query = queryParameters(operation.query);
  return {
    label,
    method: operation.method.toLowerCase(),
    at: {
      on: "collection",
      tail: route.path.replaceAll(/:(\w+)\*?/g, "{$1}"),
      site: prefix,
    },
    id: siteOperationId(operation, prefix),
    shortId: operation.shortId,
    tag: operation.tag,
    summary: operation.title,
    parameters: [...query, ...(operation.method === "GET" ? FIELD_PARAMETERS : [])],
    pathParameters: ["path", ...names].map(pathParameter),
    ...(operation.body ? { body: requestBody(operation.body) } : {}),
    answers: operation.answers,
    ...(operation.refusalTypes ? { refusalTypes: operation.refusalTypes } : {}),
    isPublic: false,
  };
}

const pathParameter = (name: string): Node => ({
  in: "path",
  name,
  schema: { type: "string" },
  required: true,
});
