import { type ApiIndex, fullPath } from "../api-index.ts";
import type { Answer, Body, Fields, Resource } from "../resource.ts";
import { isOutside } from "../routes.ts";
import type { JsonSchema } from "../schema.ts";
import { hrefParameter, pageName, responseName, schemaBase } from "./names.ts";
import {
  DEFAULT_KEYS,
  describedOperation,
  endpointOperation,
  type Operation,
  operationsOf,
  pathParameters,
} from "./operations.ts";
import {
  type Dialect,
  type Node,
  pageSchema,
  requestSchema,
  responseSchema,
  toNode,
} from "./schemas.ts";
import { selfOperations } from "./self.ts";
import { siteBodies, siteOperations } from "./sites.ts";

export interface DocumentOptions {
  /** Labels of the components wanted; all without it. */
  readonly components?: readonly string[];
  /** Short operation ids, unique within a tag. */
  readonly isForBindings: boolean;
  /** Paths with keys instead of hrefs; this form is valid OpenAPI. */
  readonly isKeyed: boolean;
  readonly root: string;
  readonly domainEnabled: boolean;
  /** Component → prefix of its site, where it is not the default. */
  readonly sitePrefixes?: Readonly<Record<string, string>>;
  /** `http://host/` */
  readonly server: string;
  /** Ways to log in by name, all of which do for every operation. */
  readonly securitySchemes: Readonly<Record<string, Node>>;
  /** Component → version. */
  readonly versions: Readonly<Record<string, string>>;
}

/** The API description (core-rest §4), made from the values that route. */
export function describeApi(api: ApiIndex, options: DocumentOptions): Node {
  const wanted = allOperations(api, options).filter(
    ({ label }) => options.components === undefined || options.components.includes(label),
  );
  const paths = new Map<string, Record<string, Node>>();
  for (const operation of wanted) {
    const path = pathOf(operation, options);
    paths.set(path, { ...paths.get(path), [operation.method]: operationNode(operation, options) });
  }
  const sorted = [...paths].sort(([a], [b]) => (a < b ? -1 : 1));
  const all = allSchemas(api, { isExact: options.isKeyed });
  const pathNodes = Object.fromEntries(sorted);
  const schemas = reachable(pathNodes, all);
  return {
    openapi: "3.0.1",
    info: infoNode(options),
    paths: pathNodes,
    components: {
      schemas: options.isKeyed ? exactFormats(schemas) : schemas,
      securitySchemes: options.securitySchemes,
    },
    servers: [{ url: options.server }],
  };
}

const described = ({ parts }: ApiIndex) =>
  parts.endpoints.filter((endpoint) => !isOutside(endpoint) || endpoint.isDescribed);

const allOperations = (
  api: ApiIndex,
  { sitePrefixes = {} }: Pick<DocumentOptions, "sitePrefixes">,
): Operation[] => [
  ...api.parts.resources.flatMap(operationsOf),
  ...described(api).map(endpointOperation),
  ...api.parts.sites.flatMap((site) => siteOperations(site, sitePrefixes[site.label])),
  ...api.parts.described.map(describedOperation),
  ...selfOperations,
];

const infoNode = ({ components, versions, domainEnabled }: DocumentOptions): Node => ({
  title: "Pulp 3 API",
  version: "v3",
  description: "Fetch, upload, organise and distribute software packages.",
  contact: { name: "The Deckle project" },
  license: { name: "Apache-2.0" },
  "x-logo": { url: "" },
  "x-pulp-app-versions": Object.fromEntries(
    Object.entries(versions).filter(
      ([label]) => components === undefined || label === "core" || components.includes(label),
    ),
  ),
  "x-pulp-domain-enabled": domainEnabled,
});

function pathOf({ at, isPublic }: Operation, options: DocumentOptions): string {
  const domain = options.domainEnabled && !isPublic ? "{pulp_domain}/" : "";
  const root = `${options.root}${domain}api/v3/`;
  const { resource, on, tail, site, isRooted } = at;
  if (isRooted) return tail;
  if (site !== undefined) return `${site}${domain}{path}/${tail}`;
  if (!resource) return `${root}${tail}`;
  if (options.isKeyed) return `${root}${keyedPath(resource, on)}${tail}`;
  if (on === "object") return `{${hrefParameter(resource)}}${tail}`;
  if (resource.parent) return `{${hrefParameter(resource.parent)}}${resource.path}/${tail}`;
  return `${root}${resource.path}/${tail}`;
}

function keyedPath(resource: Resource, on: "collection" | "object"): string {
  const { parameters, parent, key } = resource;
  const path = parent
    ? fullPath(resource).replace("{}", `{${parameters?.parent ?? "parent_pk"}}`)
    : resource.path;
  return on === "object" ? `${path}/{${parameters?.key ?? DEFAULT_KEYS[key]}}/` : `${path}/`;
}

const DIAGNOSTICS: Node = {
  in: "header",
  name: "X-Task-Diagnostics",
  schema: { type: "array", items: { type: "string" } },
  description: "List of profilers to use on tasks.",
};

function operationNode(operation: Operation, options: DocumentOptions): Node {
  const { at, answers, answerTypes, body, isPublic } = operation;
  const keys = at.resource ? pathParameters(at.resource, at.on, options.isKeyed) : [];
  const hasDomain =
    options.domainEnabled &&
    !isPublic &&
    at.isRooted !== true &&
    (options.isKeyed || keys.length === 0);
  const path = [...keys, ...(operation.pathParameters ?? [])];
  const domain = hasDomain
    ? [
        {
          in: "path",
          name: "pulp_domain",
          schema: { type: "string" },
          required: true,
          "x-isDomain": true,
        },
      ]
    : [];
  return {
    operationId: options.isForBindings ? operation.shortId : operation.id,
    summary: operation.summary,
    description: operation.summary,
    parameters: [DIAGNOSTICS, ...domain, ...path, ...operation.parameters],
    tags: [operation.tag],
    ...(body ? { requestBody: body } : {}),
    ...(isPublic ? {} : { security: securityOf(options) }),
    responses: {
      ...Object.fromEntries(
        Object.entries(answers).map(([code, answer]) => [code, answerNode(answer, answerTypes)]),
      ),
      ...(options.isKeyed ? errorNodes(hasDomain, operation.refusalTypes) : {}),
    },
  };
}

const securityOf = ({ securitySchemes }: DocumentOptions): Node[] =>
  Object.keys(securitySchemes).map((name) => ({ [name]: [] }));

const JSON_ONLY = ["application/json"];

/** The baseline describes successes only, which clients rely on; the valid form adds failures. */
function errorNodes(hasDomain: boolean, others: readonly string[] = []): Node {
  const content = (types: readonly string[]) =>
    Object.fromEntries(types.map((type) => [type, { schema: {} }]));
  // A domain that there is not is told by a page.
  const pages = hasDomain ? ["text/html"] : [];
  return {
    "4XX": {
      description: "The request was refused.",
      content: content([...JSON_ONLY, ...pages, ...others]),
    },
    "503": { description: "The database or the store is away.", content: content(JSON_ONLY) },
  };
}

function answerNode(answer: Answer, types: readonly string[] = JSON_ONLY): Node {
  if (answer === null) return { description: "No response body" };
  const schema =
    typeof answer === "string" ? { $ref: `#/components/schemas/${answer}` } : toNode(answer);
  const content = Object.fromEntries(types.map((type) => [type, { schema }]));
  return { content, description: "" };
}

/** Every schema by name, whether or not an operation of this document uses it. */
function allSchemas(api: ApiIndex, dialect: Dialect): Map<string, Node> {
  const schemas = new Map<string, Node>();
  for (const [name, value] of Object.entries(api.parts.schemas)) {
    schemas.set(name, isSchema(value) ? toNode(value) : fieldsSchema(name, value, dialect));
  }
  for (const resource of api.parts.resources) addResourceSchemas(schemas, resource, dialect);
  const bodies = [
    ...api.parts.resources.flatMap(({ actions = [], createBody }) => [
      ...actions.flatMap(({ body }) => (body ? [body] : [])),
      ...(createBody ? [createBody] : []),
    ]),
    ...described(api).flatMap(({ body }) => (body ? [body] : [])),
    ...api.parts.sites.flatMap(siteBodies),
  ];
  for (const body of bodies) addBodySchema(schemas, body, dialect);
  return schemas;
}

const isSchema = (value: Fields | JsonSchema): value is JsonSchema =>
  typeof value.type === "string" || typeof value.ref === "string";

const fieldsSchema = (name: string, fields: Fields, dialect: Dialect): Node =>
  name.endsWith("Response")
    ? responseSchema({ common: [] }, fields, dialect)
    : requestSchema(fields, { ...dialect, isPatch: false });

function addBodySchema(
  schemas: Map<string, Node>,
  { schema, fields, isPartial = false }: Body,
  dialect: Dialect,
): void {
  if (schemas.has(schema)) return;
  schemas.set(schema, requestSchema(fields, { ...dialect, isPatch: isPartial }));
}

const COMMON = ["pulp_href", "prn", "pulp_created", "pulp_last_updated"] as const;

function addResourceSchemas(
  schemas: Map<string, Node>,
  resource: Resource,
  dialect: Dialect,
): void {
  const base = schemaBase(resource);
  const set = (name: string, node: Node): void => {
    if (!schemas.has(name)) schemas.set(name, node);
  };
  const common = { common: resource.common ?? [...COMMON] };
  const { create, update } = resource.operations;
  if ((create && !resource.createBody) || update)
    set(base, requestSchema(resource.fields, { ...dialect, isPatch: false }));
  if (update) set(`Patched${base}`, requestSchema(resource.fields, { ...dialect, isPatch: true }));
  set(responseName(base), responseSchema(common, resource.fields, dialect));
  const detail = resource.schemas?.read;
  if (detail) {
    const fields = { ...resource.fields, ...resource.detail };
    set(responseName(detail), responseSchema(common, fields, dialect));
  }
  const upload = resource.schemas?.upload;
  if (upload) set(responseName(upload), responseSchema(common, resource.fields, dialect));
  const list = resource.schemas?.list ?? base;
  if (resource.operations.list) set(pageName(list), pageSchema(responseName(list)));
  if (resource.minimal) set(resource.minimal.schema, minimalSchema(resource, dialect));
}

function minimalSchema(resource: Resource, dialect: Dialect): Node {
  const keys = new Set(resource.minimal?.keys);
  const fields = Object.entries(resource.fields).filter(([name]) => keys.has(name));
  return responseSchema({ common: [...COMMON] }, Object.fromEntries(fields), dialect);
}

/**
 * The baseline calls an href a `uri`, though it has no scheme, and a blank address an `email`; the
 * valid form says what is true.
 */
const exactFormats = (schemas: Node): Node =>
  JSON.parse(
    JSON.stringify(schemas)
      .replaceAll('"format":"uri"', '"format":"uri-reference"')
      .replaceAll('"format":"email",', "")
      .replaceAll(',"format":"email"', ""),
  ) as Node;

/** Just the schemas that the paths lead to, sorted by name. */
function reachable(paths: Node, all: ReadonlyMap<string, Node>): Node {
  const found = new Map<string, Node>();
  const visit = (node: unknown): void => {
    for (const [, name = ""] of JSON.stringify(node).matchAll(
      /"#\/components\/schemas\/([^"]+)"/g,
    )) {
      const schema = all.get(name);
      if (found.has(name)) continue;
      if (!schema)
        throw new Error(`The API description names the schema ${name}, which nobody defines.`);
      found.set(name, schema);
      visit(schema);
    }
  };
  visit(paths);
  return Object.fromEntries([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}
