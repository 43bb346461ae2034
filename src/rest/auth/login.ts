import { beginSession, endSession } from "#core/access/commands.ts";
import { changeOwnAccount, type OwnChange } from "#core/access/own-account.ts";
import { passwordCheckOf } from "#core/access/password-log-in.ts";
import { ownAccount } from "#core/access/queries.ts";
import type { User } from "#core/ctx.ts";
import type { Call } from "../kit/call.ts";
import { text } from "../kit/fields.ts";
import { selectionOf } from "../kit/present.ts";
import { defineEndpoint, type Endpoint, type Schemas, type Values } from "../kit/resource.ts";
import { restErrors } from "../kit/rest-errors.ts";
import { globalHref } from "../kit/view.ts";
import { clearSession, sessionCookie, setSession } from "./cookies.ts";
import { reportLogIn } from "./report-log-in.ts";

const common = { path: "login", label: "core", tag: "Login" } as const;

/** Every authenticated user may do this to itself. */
function ownerOf({ caller: { user } }: Call): User {
  if (!user) throw restErrors.credentials();
  return user;
}

function shown(call: Call): Record<string, string> {
  const { id, username } = ownerOf(call);
  return {
    pulp_href: globalHref(call.view, `users/${id}/`),
    prn: `prn:auth.user:${id}`,
    username,
  };
}

const read = defineEndpoint({
  ...common,
  method: "GET",
  operationId: "login_read",
  title: "Inspect the logged in user",
  answers: { 200: "LoginResponse" },
  async run(call) {
    const { only, without } = selectionOf(call.query);
    const keys = Object.entries(shown(call)).filter(
      ([key]) => (only?.has(key) ?? true) && !without?.has(key),
    );
    return { kind: "json", status: 200, body: Object.fromEntries(keys) };
  },
});

const begin = defineEndpoint({
  ...common,
  method: "POST",
  operationId: "login",
  title: "Start a session",
  answers: { 201: "LoginResponse" },
  async run(call) {
    const { ctx, request, reply } = call;
    // A session of its own would not end with that of the administrator who acts as the user.
    if (request.identity?.isToken || call.caller.user?.actor) throw restErrors.permission();
    const session = await beginSession(ctx, ownerOf(call).id, {
      replaced: sessionCookie(request),
      passwordHash: request.identity?.passwordHash,
    });
    if (!session) throw restErrors.password();
    setSession(ctx, reply, session);
    const { by = "session" } = request.identity ?? {};
    reportLogIn(ctx, request, { action: "login", user: ownerOf(call).username, by });
    return { kind: "json", status: 201, body: shown(call) };
  },
});

const end = defineEndpoint({
  ...common,
  method: "DELETE",
  operationId: "logout",
  title: "End the session",
  answers: { 204: null },
  async run(call) {
    const { ctx, request, reply } = call;
    const secret = sessionCookie(request);
    if (secret !== undefined) await endSession(ctx, secret);
    clearSession(ctx, reply);
    return { kind: "empty", status: 204 };
  },
});

const update = defineEndpoint({
  ...common,
  method: "PATCH",
  operationId: "login_update",
  title: "Change the logged in user",
  body: {
    schema: "PatchedLogin",
    isPartial: true,
    isLenient: true,
    fields: {
      username: text({}, { maxLength: 150 }),
      first_name: text({ blank: true }, { maxLength: 150 }),
      last_name: text({ blank: true }, { maxLength: 150 }),
      email: { schema: { type: "string", format: "email" }, blank: true },
      old_password: text({ writeOnly: true, verbatim: true }),
      new_password: text({ writeOnly: true, verbatim: true }),
    },
  },
  answers: { 200: "LoginUpdateResponse" },
  async run(call, values) {
    const { ctx, request } = call;
    const user = ownerOf(call);
    const change = { ...changeOf(values), session: sessionCookie(request), address: request.ip };
    const done = await changeOwnAccount(ctx, user, { check: passwordCheckOf(ctx), change });
    if (done.kind === "flood") throw restErrors.flood(done.seconds);
    return { kind: "json", status: 200, body: { ...(await ownAccount(ctx.db, user.id)) } };
  },
});

function changeOf({ old_password, new_password, ...values }: Values): Omit<OwnChange, "address"> {
  if (typeof new_password !== "string") return { values };
  const oldPassword = typeof old_password === "string" ? old_password : undefined;
  return { values, password: { oldPassword, newPassword: new_password } };
}

export const loginEndpoints: readonly Endpoint[] = [begin, read, end, update];

export const loginSchemas: Schemas = {
  LoginResponse: {
    pulp_href: { schema: { type: "string", format: "uri" }, readOnly: true },
    prn: text({ readOnly: true }),
    username: text({ readOnly: true }),
  },
  LoginUpdateResponse: {
    username: text({}, { maxLength: 150 }),
    first_name: text({}, { maxLength: 150 }),
    last_name: text({}, { maxLength: 150 }),
    email: { schema: { type: "string", format: "email" } },
  },
};
