import { sessionLogInOf } from "#core/access/session-log-in.ts";
import type { AuthenticationClass } from "./authentication.ts";
import { sessionCookie } from "./cookies.ts";
import { csrfProblem } from "./csrf.ts";
import { authErrors } from "./errors.ts";

/**
 * A browser that has logged in (core-rest §5). A request with an `Authorization` header asks to be
 * known by that one, whatever cookies the browser adds (service §3).
 */
export const sessionAuthentication: AuthenticationClass = {
  name: "session",
  identifiers: ["rest_framework.authentication.SessionAuthentication"],
  defaultRank: 40,
  scheme: () => ({
    name: "cookieAuth",
    value: { type: "apiKey", in: "cookie", name: "sessionid" },
  }),
  open(ctx) {
    const logIns = sessionLogInOf(ctx);
    return async (request) => {
      const secret = request.headers.authorization ? undefined : sessionCookie(request);
      const user = secret === undefined ? undefined : await logIns.user(secret);
      if (!user) return undefined;
      const problem = csrfProblem(ctx, request);
      if (problem !== undefined) throw authErrors.csrf(problem);
      return { user };
    };
  },
};
