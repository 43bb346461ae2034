import { RemoteLogIn } from "#core/access/remote-log-in.ts";
import type { Ctx } from "#core/ctx.ts";
import { restErrors } from "../kit/rest-errors.ts";
import type { Asking, Identity } from "./authentication.ts";
import { authErrors } from "./errors.ts";

const CREATES = "django.contrib.auth.backends.RemoteUserBackend";
const KNOWS = "pulpcore.app.authentication.PulpNoCreateRemoteUserBackend";

/** What `AUTHENTICATION_BACKENDS` may name. */
const BACKENDS: readonly string[] = [
  "django.contrib.auth.backends.ModelBackend",
  "pulpcore.backends.ObjectRolePermissionBackend",
  CREATES,
  KNOWS,
];

/**
 * A sentence about the first backend that we do not have.
 *
 * @param classes names of authentication classes, which some settings list here too.
 */
export function unknownBackend(
  { AUTHENTICATION_BACKENDS: names }: Ctx["settings"],
  classes: readonly string[] = [],
): string | undefined {
  const unknown = names.find((name) => !BACKENDS.includes(name) && !classes.includes(name));
  return unknown === undefined
    ? undefined
    : `AUTHENTICATION_BACKENDS names ${unknown}, which is none of ${BACKENDS.join(", ")}.`;
}

/** Longer names are no names; a distinguished name of a certificate fits. */
const MAX_NAME = 512;

/** Finds the user whom a header names, or makes it, as the backends say. */
export function remoteUsers(
  ctx: Ctx,
): (name: string, request: Asking) => Promise<Identity | undefined> {
  const backends = ctx.settings.AUTHENTICATION_BACKENDS;
  const creates = backends.includes(CREATES);
  const logIns = new RemoteLogIn(ctx, { creates });
  if (!creates && !backends.includes(KNOWS)) return async () => undefined;
  return async (name, request) => {
    // Control characters would reach logs and terminals (reliability §5, 21).
    if (name.length > MAX_NAME || /[\p{Cc}\p{Cs}]/u.test(name)) throw authErrors.denied();
    const user = await logIns.user({ name, route: request.originalUrl });
    if (user && !user.isActive) throw restErrors.inactive();
    return user && { user };
  };
}
