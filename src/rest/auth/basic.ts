import { BasicLogIn, type LogIn } from "#core/access/basic-log-in.ts";
import { restErrors } from "../kit/rest-errors.ts";
import type { Asking, AuthenticationClass, Identity } from "./authentication.ts";

/** What a Basic or Bearer header says, as the API answers it (core-rest §5). */
export const basicAuthentication: AuthenticationClass = {
  name: "basic",
  identifiers: [
    "pulpcore.app.authentication.BasicAuthentication",
    "rest_framework.authentication.BasicAuthentication",
  ],
  defaultRank: 30,
  challenge: basicChallenge,
  scheme: () => ({ name: "basicAuth", value: { type: "http", scheme: "basic" } }),
  open(ctx) {
    const logIns = new BasicLogIn(ctx);
    return async ({ headers: { authorization }, ip }) =>
      authorization ? identityOf(await logIns.logIn(authorization, ip)) : undefined;
  },
};

/** Scripts in a browser get a scheme that it does not know, so that it shows no dialog. */
function basicChallenge({ headers }: Asking): string {
  const isScript = headers["x-requested-with"] === "XMLHttpRequest";
  return `${isScript ? "xBasic" : "Basic"} realm="api"`;
}

/** @throws the 401 and 429 errors of `restErrors`. */
function identityOf(found: LogIn | undefined): Identity | undefined {
  switch (found?.kind) {
    case undefined:
      return undefined;
    case "user":
      return { ...found, isToken: found.user.tokenId !== undefined };
    case "malformed":
      throw restErrors.basicHeader(found.why);
    case "flood":
      throw restErrors.flood(found.seconds);
    case "wrong":
      throw restErrors.password();
    case "badToken":
      throw restErrors.token(found.why);
    case "inactive":
      throw restErrors.inactive();
    default:
      return found satisfies never;
  }
}
