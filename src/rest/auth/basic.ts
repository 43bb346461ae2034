import type { FastifyRequest } from "fastify";
import { BasicLogIn, type LogIn } from "#core/access/basic-log-in.ts";
import { restErrors } from "../kit/rest-errors.ts";
import type { AuthenticationClass, Identity } from "./authentication.ts";

/** What an `Authorization` header says, as the API answers it (core-rest §5). */
export const basicAuthentication: AuthenticationClass = {
  name: "basic",
  identifiers: [
    "pulpcore.app.authentication.BasicAuthentication",
    "rest_framework.authentication.BasicAuthentication",
  ],
  challenge: basicChallenge,
  scheme: () => ({ name: "basicAuth", value: { type: "http", scheme: "basic" } }),
  open(ctx) {
    const logIns = new BasicLogIn(ctx);
    return async ({ headers: { authorization }, ip }) =>
      authorization ? identityOf(await logIns.logIn(authorization, ip), authorization) : undefined;
  },
};

/** Scripts in a browser get a scheme that it does not know, so that it shows no dialog. */
function basicChallenge({ headers }: FastifyRequest): string {
  const isScript = headers["x-requested-with"] === "XMLHttpRequest";
  return `${isScript ? "xBasic" : "Basic"} realm="api"`;
}

/** @throws the 401 and 429 errors of `restErrors`. */
function identityOf(found: LogIn | undefined, authorization: string): Identity | undefined {
  switch (found?.kind) {
    case undefined:
      return undefined;
    case "user":
      return { isToken: /^bearer\s/i.test(authorization), ...found };
    case "malformed":
      throw restErrors.basicHeader(found.why);
    case "flood":
      throw restErrors.flood(found.seconds);
    case "wrong":
      throw restErrors.password();
    case "inactive":
      throw restErrors.inactive();
    default:
      return found satisfies never;
  }
}
