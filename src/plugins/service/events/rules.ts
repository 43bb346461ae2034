import type { JsonObject } from "#base/json.ts";
import type { CoreEvent } from "#sdk";
import { callerOrganisation } from "../identity/claims.ts";

/** An event in the words of lines and webhooks (service §12.4). */
export interface ShownEvent {
  /** `repository.created` */
  readonly name: string;
  /** Key → value, in the order of the line; null is shown as `-`. */
  readonly facts: Readonly<Record<string, string | null>>;
  readonly correlationId: string;
}

type Caused = Exclude<CoreEvent, { readonly kind: "auth" }>;

/** Who was behind it, as far as a task still knows. */
const causeOf = ({ by }: Caused) => ({
  user: by?.user?.username ?? null,
  org_id: (by && callerOrganisation(by)) ?? null,
  route: by?.route ?? null,
});

/** The same event in words. */
export function shownEvent(event: CoreEvent): ShownEvent {
  if (event.kind === "auth") {
    const { action, user, by, acting, route, correlationId } = event;
    return { name: `auth.${action}`, facts: { user, class: by, ...acting, route }, correlationId };
  }
  const cause = causeOf(event);
  const domain = event.domain.name;
  const correlationId = event.by?.correlationId ?? "";
  if (event.kind === "repository") {
    const { action, name, type } = event;
    const facts = { domain, name, type, ...cause };
    return { name: `repository.${action}`, facts, correlationId };
  }
  const what = { [event.kind]: event.id, action: event.action };
  const type = "type" in event ? { type: event.type } : {};
  return {
    name: "content.published",
    facts: { domain, ...what, ...type, ...cause },
    correlationId,
  };
}

const PLAIN = /^[\w.@+|/:?&=%-]+$/;

/** `repository.created domain=a name="two words" …`: values that could be taken apart are quoted. */
export const eventLine = ({ name, facts }: ShownEvent): string =>
  [name, ...Object.entries(facts).map(([key, value]) => `${key}=${lineValue(value)}`)].join(" ");

function lineValue(value: string | null): string {
  if (value === null) return "-";
  return PLAIN.test(value) ? value : JSON.stringify(value);
}

/** What a webhook is sent. */
export const eventBody = (
  { name, facts, correlationId }: ShownEvent,
  { id, time }: { readonly id: string; readonly time: string },
): JsonObject => ({ id, event: name, time, correlation_id: correlationId, ...facts });
