import { filtersOf, orderingsOf } from "../conditions.ts";
import type { Filter } from "../filters/filter.ts";
import type { Action, Answer, Body, DescribedOperation, Endpoint, Resource } from "../resource.ts";
import { isOutside } from "../routes.ts";
import type { JsonSchema } from "../schema.ts";
import {
  hrefParameter,
  operationId,
  pageName,
  responseName,
  schemaBase,
  tagOf,
  tokenId,
  tokensOf,
} from "./names.ts";
import { type Node, toNode } from "./schemas.ts";

/** One operation before the document decides how its path is written. */
export interface Operation {
  readonly label: string;
  readonly method: string;
  /** The collection or object that the path begins with, and what follows. */
  readonly at: {
    readonly resource?: Resource;
    readonly on: "collection" | "object";
    readonly tail: string;
    /** Prefix of the site that it is in; its base path follows. */
    readonly site?: string;
    /** `tail` begins at the root of the host. */
    readonly isRooted?: true;
  };
  readonly id: string;
  /** The id where only the tag tells operations apart. */
  readonly shortId: string;
  readonly tag: string;
  readonly summary: string;
  readonly parameters: readonly Node[];
  /** Parameters of the path besides keys of objects. */
  readonly pathParameters?: readonly Node[];
  readonly body?: Node;
  readonly answers: Readonly<Record<string, Answer>>;
  /** Media types of the answers; JSON without it. */
  readonly answerTypes?: readonly string[];
  /** Media types of refusals besides JSON. */
  readonly refusalTypes?: readonly string[];
  readonly isPublic: boolean;
}

const SHORT = { retrieve: "read", destroy: "delete" } as const;
const JSON_TYPES = ["application/json", "application/x-www-form-urlencoded", "multipart/form-data"];
const FILE_TYPES = ["multipart/form-data", "application/x-www-form-urlencoded"];

export function operationsOf(resource: Resource): Operation[] {
  return [
    ...standardOperations(resource),
    ...(resource.actions ?? []).map((a) => actionOperation(resource, a)),
  ];
}

interface Draft {
  readonly action: string;
  readonly method: string;
  readonly on: "collection" | "object";
  readonly summary: string;
  readonly answers: Readonly<Record<string, Answer>>;
  readonly body?: Node;
}

function standardOperations(resource: Resource): Operation[] {
  const { operations: ops, title } = resource;
  const drafts: Draft[] = [];
  const base = schemaBase(resource);
  const answer = responseName(base);
  if (ops.list) {
    const page = pageName(resource.schemas?.list ?? base);
    drafts.push({
      action: "list",
      method: "get",
      on: "collection",
      summary: `List ${title}s`,
      answers: { 200: page },
    });
  }
  if (ops.create) {
    drafts.push({
      action: "create",
      method: "post",
      on: "collection",
      summary: `Create ${article(title)} ${title}`,
      body: requestBody(resource.createBody ?? { schema: base, fields: {} }),
      answers: ops.create.mode === "task" ? { 202: "AsyncOperationResponse" } : { 201: answer },
    });
  }
  if (ops.read) {
    const detail = responseName(resource.schemas?.read ?? base);
    drafts.push({
      action: "retrieve",
      method: "get",
      on: "object",
      summary: `Inspect ${article(title)} ${title}`,
      answers: { 200: detail },
    });
  }
  return [...drafts, ...writeDrafts(resource, base)].map((draft) => fromDraft(resource, draft));
}

function writeDrafts({ operations: ops, title }: Resource, base: string): Draft[] {
  const drafts: Draft[] = [];
  if (ops.update) {
    const answers = {
      200: responseName(base),
      ...(ops.update.mode === "task" ? { 202: "AsyncOperationResponse" } : {}),
    };
    const summary = `Update ${article(title)} ${title}`;
    const update = { on: "object", summary, answers } as const;
    drafts.push({
      ...update,
      action: "update",
      method: "put",
      body: requestBody({ schema: base, fields: {} }),
    });
    const body = requestBody({ schema: `Patched${base}`, fields: {} });
    drafts.push({ ...update, action: "partial_update", method: "patch", body });
  }
  if (ops.delete) {
    const answers: Record<string, Answer> =
      ops.delete.mode === "sync" ? { 204: null } : { 202: "AsyncOperationResponse" };
    drafts.push({
      action: "destroy",
      method: "delete",
      on: "object",
      summary: `Delete ${article(title)} ${title}`,
      answers,
    });
  }
  return drafts;
}

const article = (title: string): string => (/^[aeiou]/i.test(title) ? "an" : "a");

function fromDraft(resource: Resource, draft: Draft): Operation {
  const tokens = tokensOf(resource);
  const word = SHORT[draft.action as keyof typeof SHORT] ?? draft.action;
  return {
    label: resource.label,
    method: draft.method,
    at: { resource, on: draft.on, tail: "" },
    id: operationId(resource, word),
    shortId: word,
    tag: tagOf(tokens),
    summary: draft.summary,
    parameters: [
      ...(draft.action === "list" ? listParameters(resource) : []),
      ...(draft.method === "get" ? FIELD_PARAMETERS : []),
    ],
    ...(draft.body ? { body: draft.body } : {}),
    answers: draft.answers,
    isPublic: false,
  };
}

function actionOperation(resource: Resource, action: Action): Operation {
  const tokens = tokensOf(resource);
  const tail = action.path ?? action.name;
  const headers = Object.entries(action.header ?? {}).map(([name, { required, ...schema }]) => ({
    in: "header",
    name,
    schema: toNode(schema),
    ...(required ? { required } : {}),
  }));
  return {
    label: resource.label,
    method: action.method.toLowerCase(),
    at: { resource, on: action.on, tail: tail === "" ? "" : `${tail}/` },
    id: action.operationId ?? operationId(resource, action.name),
    shortId: action.operationId ?? action.name,
    tag: tagOf(tokens),
    summary: `${action.name.replaceAll("_", " ").replace(/^./, (c) => c.toUpperCase())} (${resource.title})`,
    parameters: [
      ...headers,
      ...(action.isFiltered ? filterParameters(resource) : []),
      ...(action.method === "GET" ? FIELD_PARAMETERS : []),
    ],
    ...(action.body ? { body: requestBody(action.body) } : {}),
    answers: action.answers,
    ...(action.answerType ? { answerTypes: [action.answerType] } : {}),
    isPublic: false,
  };
}

/** Fixed ids stay whole: no verb of HTTP and no action is called `read` (core-rest §4.4). */
function shortEndpointId({ path, operationId }: Endpoint): string {
  const prefix = `${tokenId(path.split("/"))}_`;
  const isFixed = !operationId.startsWith(prefix) || operationId === `${prefix}read`;
  return isFixed ? operationId : operationId.slice(prefix.length);
}

export function endpointOperation(endpoint: Endpoint): Operation {
  const { path } = endpoint;
  const isRooted = isOutside(endpoint);
  const isWhole = isRooted || /\.(json|yaml)$/.test(path);
  return {
    label: endpoint.label,
    method: endpoint.method.toLowerCase(),
    at: {
      on: "collection",
      tail: isWhole ? path : `${path}/`,
      ...(isRooted ? { isRooted } : {}),
    },
    id: endpoint.operationId,
    shortId: shortEndpointId(endpoint),
    tag: endpoint.tag,
    summary: endpoint.title,
    parameters: [
      ...queryParameters(endpoint.query),
      ...(endpoint.method === "GET" && !isRooted ? FIELD_PARAMETERS : []),
    ],
    ...(endpoint.body ? { body: requestBody(endpoint.body) } : {}),
    answers: endpoint.answers,
    ...(endpoint.answerTypes ? { answerTypes: endpoint.answerTypes } : {}),
    isPublic: endpoint.isPublic ?? false,
  };
}

/** Parameters of a query by name; none has to be given. */
export const queryParameters = (query: Endpoint["query"] = {}) =>
  Object.entries(query).map(([name, schema]) => ({
    in: "query",
    name,
    schema: toNode(schema),
  }));

export const describedOperation = ({ path, ...operation }: DescribedOperation): Operation => ({
  ...operation,
  at: { on: "collection", tail: path, isRooted: true },
  parameters: FIELD_PARAMETERS,
  isPublic: true,
});

export function requestBody({ schema, hasFile }: Body): Node {
  const types = hasFile ? FILE_TYPES : JSON_TYPES;
  const node = { schema: { $ref: `#/components/schemas/${schema}` } };
  return { required: true, content: Object.fromEntries(types.map((type) => [type, node])) };
}

const stringArray = { type: "array", items: { type: "string" } };

export const FIELD_PARAMETERS: readonly Node[] = [
  {
    in: "query",
    name: "fields",
    schema: stringArray,
    description: "A list of fields to include in the response.",
  },
  {
    in: "query",
    name: "exclude_fields",
    schema: stringArray,
    description: "A list of fields to exclude from the response.",
  },
];

const paging = (name: string, description: string): Node => ({
  name,
  required: false,
  in: "query",
  description,
  schema: { type: "integer" },
});

function listParameters(resource: Resource): readonly Node[] {
  const pages = [
    paging("limit", "Number of results to return per page."),
    paging("offset", "The initial index from which to return the results."),
  ];
  if (!resource.filters) return pages;
  const names = Object.keys(orderingsOf(resource)).sort();
  const values = [...names.map((name) => `-${name}`), ...names];
  const ordering = csvParameter(
    "ordering",
    { type: "array", items: { type: "string", enum: values } },
    "Ordering",
  );
  return byName([...filterParameters(resource), ...pages, ordering]);
}

/** The filters of its list, and `q` over them. */
function filterParameters(resource: Resource): readonly Node[] {
  const filters = Object.entries(filtersOf(resource)).map(([name, filter]) =>
    filterParameter(name, filter),
  );
  const q = {
    in: "query",
    name: "q",
    schema: { type: "string" },
    description: "Filter results by using NOT, AND and OR operations on other filters",
  };
  return byName([...filters, q]);
}

const byName = (parameters: readonly Node[]): readonly Node[] =>
  parameters.toSorted((a, b) => (String(a.name) < String(b.name) ? -1 : 1));

const csvParameter = (name: string, schema: JsonSchema, description: string): Node => ({
  in: "query",
  name,
  schema: toNode(schema),
  description,
  explode: false,
  style: "form",
});

function filterParameter(name: string, { schema, isCsv, description }: Filter): Node {
  const text = description ?? filterText(name);
  if (isCsv) return csvParameter(name, schema, text);
  return { in: "query", name, schema: toNode(schema), description: text };
}

const WORDS: Readonly<Record<string, string>> = {
  in: "is in a comma-separated list of values",
  contains: "contains value",
  icontains: "contains value",
  iexact: "matches value",
  startswith: "starts with value",
  istartswith: "starts with value",
  regex: "matches regex value",
  iregex: "matches regex value",
  isnull: "has a null value",
  range: "is between two comma separated values",
  lt: "is less than value",
  lte: "is less than or equal to value",
  gt: "is greater than value",
  gte: "is greater than or equal to value",
  ne: "is not equal to value",
};

function filterText(name: string): string {
  const [field = name, lookup] = name.split("__");
  return `Filter results where ${field} ${lookup ? (WORDS[lookup] ?? "matches value") : "matches value"}`;
}

/** Parameters that stand for keys in the path: one href, or each key by itself. */
export function pathParameters(
  resource: Resource,
  on: "collection" | "object",
  isKeyed: boolean,
): Node[] {
  const { parent, parameters } = resource;
  const own =
    on === "object"
      ? [keyParameter(parameters?.key ?? DEFAULT_KEYS[resource.key], resource.key)]
      : [];
  if (isKeyed) {
    const above = parent ? [keyParameter(parameters?.parent ?? "parent_pk", parent.key)] : [];
    return [...above, ...own];
  }
  const named = on === "object" ? resource : parent;
  if (!named) return [];
  return [{ in: "path", name: hrefParameter(named), schema: { type: "string" }, required: true }];
}

export const DEFAULT_KEYS = { uuid: "pulp_id", int: "id", number: "number" } as const;

const keyParameter = (name: string, key: Resource["key"]): Node => ({
  in: "path",
  name,
  schema:
    key === "uuid"
      ? { type: "string", format: "uuid" }
      : { type: "integer", ...(key === "number" ? { format: "int64" } : {}) },
  required: true,
});
