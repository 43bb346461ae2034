import type { AuthenticationClass } from "./authentication.ts";
import { authErrors } from "./errors.ts";
import { headerOfVariable, proxyHeader, utf8 } from "./proxies.ts";
import { remoteUsers } from "./remote-users.ts";

/** The user's name in a header that a proxy sets after it has asked for a password or certificate. */
export const remoteUserAuthentication: AuthenticationClass = {
  name: "remote_user",
  identifiers: ["pulpcore.app.authentication.PulpRemoteUserAuthentication"],
  scheme: ({ REMOTE_USER_OPENAPI_SECURITY_SCHEME: value }) => ({
    name: "remoteUserAuthentication",
    value,
  }),
  open(ctx) {
    // Without `HTTP_` it is a variable of a web server around us, and there is none.
    const header = headerOfVariable(ctx.settings.REMOTE_USER_ENVIRON_NAME);
    if (header === undefined) return async () => undefined;
    const nameIn = proxyHeader(ctx.settings, header);
    const identityOf = remoteUsers(ctx);
    return async (request) => {
      const value = nameIn(request);
      if (!value) return undefined;
      const name = utf8(Buffer.from(value, "latin1"));
      if (name === undefined) throw authErrors.denied();
      return identityOf(name, request);
    };
  },
};
