import { sql } from "kysely";
import { createToken, deleteToken, revokeToken } from "#core/access/commands.ts";
import { tokenErrors } from "#core/access/errors.ts";
import { domainProblem, objectProblem, permissionProblem } from "#core/access/token-scope.ts";
import type { Call, Run } from "../kit/call.ts";
import { datetime, list, text } from "../kit/fields.ts";
import { datetimeFilters, NAME, textFilters } from "../kit/filters/lookups.ts";
import { keyOf, present, rowHref } from "../kit/present.ts";
import { readRow } from "../kit/read.ts";
import {
  type Action,
  defineResource,
  FieldProblem,
  type Fields,
  type Outcome,
  type Resource,
  type Values,
} from "../kit/resource.ts";
import { restErrors } from "../kit/rest-errors.ts";

const MOMENTS = ["exact", "lt", "lte", "gt", "gte", "range", "isnull"] as const;
/** Of each list of a scope: no request has to look through more. */
const MAX_WORDS = 100;

const words = (problem: (word: string) => string | undefined) => (values: readonly string[]) => {
  if (values.length > MAX_WORDS) {
    throw new FieldProblem(`Ensure this field has no more than ${MAX_WORDS} elements.`);
  }
  const told = values.map(problem).find((text) => text !== undefined);
  if (told !== undefined) throw new FieldProblem(told);
  return values;
};

const checkWords = words(permissionProblem);

function checkScopes(values: readonly string[]): readonly string[] {
  if (values.length === 0) throw new FieldProblem("This list may not be empty.");
  return checkWords(values);
}

function checkExpires(value: string | null, { ctx }: Run): string | null {
  if (value !== null && Date.parse(value) <= ctx.clock.now()) {
    throw new FieldProblem("This time has passed already.");
  }
  return value;
}

const wanted: Fields = {
  name: text({ required: true }, { maxLength: 150 }),
  scopes: list({ type: "string" }, { required: true, check: checkScopes }),
  domains: list({ type: "string" }, { nullable: true, check: words(domainProblem) }),
  objects: list({ type: "string" }, { nullable: true, check: words(objectProblem) }),
  expires: datetime({ nullable: true, check: checkExpires }),
};

const fields: Fields = {
  user: text({ readOnly: true, sql: "u.username" }),
  ...wanted,
  issuer: text({ readOnly: true, mayBeNull: true }),
  last_used: datetime({ readOnly: true, mayBeNull: true }),
  revoked: datetime({ readOnly: true, mayBeNull: true }),
};

/** Answer to the one request that tells the token. */
export const createdTokenSchema: Fields = {
  pulp_href: { schema: { type: "string", format: "uri" }, readOnly: true },
  prn: text({ readOnly: true }),
  pulp_created: datetime({ readOnly: true }),
  ...fields,
  token: text({ readOnly: true }),
};

async function create(call: Call, values: Values): Promise<Outcome> {
  const { ctx, caller } = call;
  const { user } = caller;
  if (!user) throw restErrors.credentials();
  if (user.scope) throw tokenErrors.byToken();
  // It would outlast the session of the administrator who acts as the user.
  if (user.actor !== undefined) throw restErrors.permission();
  const domains = values.domains as readonly string[] | null | undefined;
  const objects = values.objects as readonly string[] | null | undefined;
  const made = await createToken(ctx.db, {
    owner: user.id,
    name: String(values.name),
    scope: {
      permissions: values.scopes as readonly string[],
      ...(domains ? { domains } : {}),
      ...(objects ? { objects } : {}),
    },
    expires: (values.expires as string | null | undefined) ?? null,
  });
  return createdToken(call, made);
}

async function createdToken(
  call: Call,
  { id, token }: { readonly id: string; readonly token: string },
): Promise<Outcome> {
  const row = await readRow(apiToken, call, { key: id });
  call.reply.header("location", rowHref(apiToken, row, call.view));
  // Nobody between us and the client keeps it.
  call.reply.header("cache-control", "no-store");
  const body = { ...present(apiToken, row, { view: call.view }), token };
  return { kind: "json", status: 201, body };
}

const createAction: Action = {
  name: "create",
  method: "POST",
  on: "collection",
  path: "",
  body: { schema: "ApiToken", fields: wanted },
  answers: { 201: "ApiTokenCreatedResponse" },
  run: create,
};

const revokeAction: Action = {
  name: "revoke",
  method: "POST",
  on: "object",
  answers: { 200: "ApiTokenResponse" },
  async run({ ctx }, _values, row) {
    const id = String(keyOf(row));
    await revokeToken(ctx, id);
    return { kind: "object", id, status: 200 };
  },
};

/** API tokens: everybody sees and ends their own, administrators those of all. */
export const apiToken: Resource = defineResource({
  path: "tokens",
  label: "core",
  model: "ApiToken",
  title: "API token",
  key: "uuid",
  common: ["pulp_href", "prn", "pulp_created"],
  source: {
    from: "api_token e join app_user u on u.id = e.owner",
    domain: null,
  },
  visibility: (_sight, { caller }) => sql`e.owner = ${caller.user?.id ?? null}`,
  fields,
  filters: {
    ...textFilters("name", "e.name", NAME),
    ...textFilters("user", "u.username", ["exact", "in"]),
    ...datetimeFilters("expires", "e.expires", MOMENTS),
    ...datetimeFilters("last_used", "e.last_used", MOMENTS),
    ...datetimeFilters("revoked", "e.revoked", MOMENTS),
  },
  orderings: {
    expires: "e.expires",
    last_used: "e.last_used",
    name: "e.name",
    pulp_created: "e.created",
    pulp_id: "e.id",
    user: "u.username",
  },
  operations: {
    list: true,
    read: true,
    delete: { mode: "sync", apply: ({ ctx }, row) => deleteToken(ctx, String(keyOf(row))) },
  },
  actions: [createAction, revokeAction],
});
