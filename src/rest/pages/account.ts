import { beginActing, beginSession, endActing, endSession } from "#core/access/commands.ts";
import { changeOwnAccount, type OwnOutcome } from "#core/access/own-account.ts";
import { passwordCheckOf } from "#core/access/password-log-in.ts";
import type { NewSession } from "#core/access/types.ts";
import type { User } from "#core/ctx.ts";
import { clearSession, setSession } from "../auth/cookies.ts";
import { sessionSecret } from "../auth/gateway.ts";
import { localPath } from "../auth/local-path.ts";
import { reportLogIn } from "../auth/report-log-in.ts";
import type { Call } from "../kit/call.ts";
import { restErrors } from "../kit/rest-errors.ts";

export type LogInOutcome =
  | { readonly kind: "done" }
  | { readonly kind: "wrong" }
  | { readonly kind: "flood"; readonly seconds: number };

/** What a browser does with its session; answers get the cookies that this takes. */
export interface Account {
  /** Wrong is also who is not active; failures are limited per address and name. */
  logIn(name: string, password: string): Promise<LogInOutcome>;
  logOut(): Promise<void>;
  /** Ends the other sessions. @throws `ValidationError` with what is wrong. */
  changePassword(oldPassword: string, newPassword: string): Promise<OwnOutcome>;
  /** Goes on as another user; false if the one who asks may not, or the other is not active. */
  actAs(user: Pick<User, "id" | "username">): Promise<boolean>;
  /** Is himself again; false if he was. */
  release(): Promise<boolean>;
  /** A path on this host, ready to lead to; undefined for anything else. */
  localPath(text: unknown): string | undefined;
}

/** The account of the browser that asks. */
export function accountOf({ ctx, request, reply }: Call, user: User | null): Account {
  const secret = sessionSecret(request);
  const { correlationId } = request;
  // Links carry the token of their form in the query.
  const [originalUrl = ""] = request.originalUrl.split("?", 1);
  const tell = (event: Parameters<typeof reportLogIn>[2]) =>
    reportLogIn(ctx, { correlationId, originalUrl }, event);
  const keep = (session: NewSession | undefined): boolean => {
    if (session) setSession(ctx, reply, session);
    return session !== undefined;
  };
  return {
    localPath,
    async logIn(name, password) {
      const typed = { name, password, address: request.ip };
      const found = await passwordCheckOf(ctx).logIn(typed);
      const session =
        found.kind === "user"
          ? await beginSession(ctx, found.id, {
              ...{ replaced: secret, passwordHash: found.passwordHash },
            })
          : undefined;
      tell({ action: session ? "login" : "failed", user: name, by: "form" });
      if (found.kind !== "user") return found;
      return { kind: keep(session) ? "done" : "wrong" };
    },
    async logOut() {
      if (secret !== undefined) await endSession(ctx, secret);
      clearSession(ctx, reply);
    },
    async changePassword(oldPassword, newPassword) {
      // The password of somebody else is changed as that of somebody else.
      if (!user || user.actor !== undefined) throw restErrors.permission();
      const password = { oldPassword, newPassword };
      const change = { values: {}, password, session: secret, address: request.ip };
      return changeOwnAccount(ctx, user, { check: passwordCheckOf(ctx), change });
    },
    async actAs(other) {
      if (secret === undefined || !keep(await beginActing(ctx, secret, other.id))) return false;
      const acting = { as: other.username };
      tell({ action: "hijack", user: user?.username ?? null, by: "session", acting });
      return true;
    },
    async release() {
      if (secret === undefined || !keep(await endActing(ctx, secret))) return false;
      const acting = { released: user?.username ?? "" };
      tell({ action: "hijack", user: user?.actor ?? null, by: "session", acting });
      return true;
    },
  };
}
