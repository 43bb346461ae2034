import { gateway, type Plugin } from "#sdk";
import { knownText } from "../identity/decode.ts";
import { identityFinder, readableDocument } from "../identity/header.ts";

type Middleware = NonNullable<Plugin["middleware"]>[number];

/** Addresses of the administration site. */
const SITE = "/pulp-mgmt/";

/** Opens a session for administrators whom a gateway has logged in (service §12.1, 6). */
export const openSamlSessions: Middleware["attach"] = (ctx, { app }) => {
  const identityIn = identityFinder(ctx);
  const identityOf = gateway.remoteUsers(ctx);
  app.addHook("onRequest", async (request, reply) => {
    const [path = ""] = (request.raw.url ?? "").split("?", 1);
    const document = path.includes(SITE) ? readableDocument(identityIn(request.raw)) : undefined;
    if (!document) return;
    try {
      // A cookie of a session that has ended says nobody.
      if (await gateway.sessionUser(ctx, request)) return;
      const email = knownText(document, "associate.email");
      const identity = email === undefined ? undefined : await identityOf(email, request);
      if (!identity) throw new Error("the header names no user that may come in");
      if (await gateway.openSession(ctx, { request, reply, user: identity.user })) {
        ctx.log.info(`User ${identity.user.username} authenticated for pulp-mgmt`);
      }
    } catch (error) {
      ctx.log.warn(`Nobody was authenticated for pulp-mgmt: ${(error as Error).message}`);
    }
  });
};
