import { CodedError, fieldError } from "#base/errors.ts";
import type { JsonObject } from "#base/json.ts";
import { rightsBook } from "#core/access/rights.ts";
import type { User } from "#core/ctx.ts";
import { type Explanation, explain } from "#core/policies/explain.ts";
import { parseAddress } from "../kit/address.ts";
import type { Call } from "../kit/call.ts";
import { boolean, list, object, text } from "../kit/fields.ts";
import { defineEndpoint, type Endpoint, type Outcome, type Values } from "../kit/resource.ts";
import type { Route, RouteOperation } from "../kit/routes.ts";
import { Target } from "../kit/target.ts";

/** What `permissions/explain/` answers. */
export const explanationSchema = {
  allowed: boolean({ readOnly: true }),
  reason: text({ readOnly: true }),
  policy: text({ readOnly: true, nullable: true }),
  statements: list({ type: "object" }, { readOnly: true }),
  grants: list({ type: "object" }, { readOnly: true }),
} as const;

/**
 * `permissions/explain/`: whether somebody may do something, and why. Nothing is done, and the answer
 * is worked out by the same code that decides over requests.
 *
 * @param routes of the API, which are known once it is put together.
 */
export const explainEndpoint = (routes: () => readonly Route[]): Endpoint =>
  defineEndpoint({
    path: "permissions/explain",
    method: "POST",
    label: "core",
    operationId: "permissions_explain",
    tag: "Permissions: Explain",
    title: "Explain a permission",
    body: {
      schema: "PermissionQuestion",
      fields: {
        user: text({ nullable: true, required: true }),
        operation: text({ required: true }),
        object: text(),
        body: object(),
      },
    },
    answers: { 200: "PermissionExplanationResponse" },
    run: (call, values) => answer(call, values, routes()),
  });

async function answer(call: Call, values: Values, routes: readonly Route[]): Promise<Outcome> {
  const user = await userOf(call, values.user as string | null);
  const { route, operation } = operationOf(routes, String(values.operation));
  // What a gateway says is about the one who asks, not about the one who is asked about.
  const { claims: _, ...own } = call.caller;
  const caller = { ...own, user };
  const rights = await rightsBook(call.ctx).rightsOf(caller);
  const asker: Call = { ...call, caller, rights };
  await using target = new Target(asker, {
    ...operation,
    ...addressOf(call, operation, values.object),
    given: { values: (values.body ?? {}) as JsonObject, isForm: false },
  });
  const question = {
    ...{ caller, rights, viewset: route.name, action: operation.permission },
    ...(route.target ? { isGlobal: route.target.isGlobal } : {}),
    ...(target.path.key === "" ? {} : { key: target.path.key }),
  };
  const found = await explain(call.ctx, { ...question, method: operation.method, facts: target });
  const hidden = found.isAllowed && values.object ? await refusal(target) : undefined;
  const body = {
    allowed: found.isAllowed && hidden === undefined,
    reason: hidden ?? reasonOf(found, user),
    policy: found.statements && route.name,
    statements: (found.statements ?? []).map((one) => ({ ...one })),
    grants: found.grants.map((one) => ({ ...one })),
  };
  return { kind: "json", status: 200, body: body as unknown as JsonObject };
}

async function userOf({ ctx }: Call, username: string | null): Promise<User | null> {
  if (username === null) return null;
  const row = await ctx.db
    .selectFrom("app_user")
    .select(["id", "username", "is_superuser", "is_staff", "is_active"])
    .where("username", "=", username)
    .executeTakeFirst();
  if (!row) throw fieldError("user", `There is no user '${username}'.`);
  if (!row.is_active) throw fieldError("user", `User '${username}' is not active.`);
  const { id, is_superuser: isSuperuser, is_staff: isStaff } = row;
  return { id, username, isSuperuser, isStaff, isActive: true };
}

function operationOf(routes: readonly Route[], id: string) {
  for (const route of routes) {
    const operation = route.operations.find((one) => one.id === id && !one.isPublic);
    if (operation) return { route, operation };
  }
  const text_ = `There is no operation '${id}' that asks for permission; the API description names them.`;
  throw fieldError("operation", text_);
}

function addressOf({ view }: Call, { resource }: RouteOperation, href: unknown) {
  if (href === undefined) return {};
  const address = parseAddress(String(href), view);
  if (address && resource?.parent === address.resource) return { parent: address.key };
  if (!address || resource !== address.resource) {
    throw fieldError("object", "The operation is not one of such an object.");
  }
  return { key: address.key, ...(address.parent === undefined ? {} : { parent: address.parent }) };
}

/** How an object that the policy lets pass is refused all the same: it is hidden, or not there. */
async function refusal(target: Target): Promise<string | undefined> {
  try {
    await (target.path.key === "" ? target.parentRow() : target.row());
    return undefined;
  } catch (error) {
    if (error instanceof CodedError)
      return `${error.message} It is not there, or the user may not see it.`;
    throw error;
  }
}

function reasonOf(found: Explanation, user: User | null): string {
  const { isAllowed, statements, decidedBy } = found;
  if (decidedBy !== undefined) return `${decidedBy} ${isAllowed ? "allows" : "refuses"} it.`;
  if (statements === null) {
    return isAllowed
      ? "The user is an administrator."
      : "Only administrators may use this address.";
  }
  if (isAllowed) {
    return user?.isSuperuser
      ? "The user is an administrator, to whom every condition holds."
      : "A statement allows it, and none denies it.";
  }
  const failed = statements
    .flatMap(({ conditions }) => conditions)
    .find((condition) => !condition.holds);
  if (failed?.problem) return `${failed.condition}: ${failed.problem}`;
  if (failed) return `${failed.condition} does not hold.`;
  if (statements.some((one) => one.concerns && one.statement.effect === "deny")) {
    return "A statement denies it.";
  }
  return user ? "No statement allows it." : "No statement allows it to strangers: log in.";
}
