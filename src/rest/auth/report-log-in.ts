import { credentialsOf } from "#core/access/credentials.ts";
import { withoutToken } from "#core/access/token-text.ts";
import type { Ctx } from "#core/ctx.ts";
import { report } from "#core/events/commands.ts";
import type { AuthEvent } from "#core/events/types.ts";
import type { Asking } from "./authentication.ts";

/** Names that are longer are no names. */
const MOST_CHARACTERS = 512;

/** Lets plugins hear of a session that begins or changes hands, or of somebody who was refused. */
export function reportLogIn(
  ctx: Ctx,
  request: Pick<Asking, "originalUrl" | "correlationId">,
  { action, user, by, acting }: Pick<AuthEvent, "action" | "user" | "by" | "acting">,
): void {
  report(ctx, {
    kind: "auth",
    ...{ action, by, user: user === null ? null : withoutToken(user.slice(0, MOST_CHARACTERS)) },
    ...(acting ? { acting } : {}),
    correlationId: request.correlationId ?? "",
    route: withoutToken(request.originalUrl),
  });
}

/** Whom the credentials of a request name; null if they name nobody. */
export function namedUser({ headers: { authorization } }: Pick<Asking, "headers">): string | null {
  const found = authorization ? credentialsOf(authorization) : undefined;
  return found && "name" in found ? (found.name ?? null) : null;
}
