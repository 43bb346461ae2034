import { permissionOf, VIEWSETS } from "./expectations.ts";
import { holdsAt, type Identity, type Where } from "./identities.ts";
import type { Operation } from "./operations.ts";

/** What an answer comes to. */
export type Outcome = "401" | "403" | "404" | "let through";

/** What a request names. */
export interface Place extends Where {
  readonly name: string;
  /** The object that the URL names is there, below the domain that it names. */
  readonly isThere: boolean;
  /** Of what is nested, its parent is. */
  readonly hasParent: boolean;
  /** The object belongs to who asks. */
  readonly isOwn: boolean;
}

interface Condition {
  readonly subject: string;
  readonly levels: readonly ("M" | "D" | "O")[];
  readonly permission: string;
}

function parse(text: string, model: string): Condition {
  const [, subject = "", levels = "", verb = ""] = /^(?:(\w+) )?([MDO]+):(.+)$/.exec(text) ?? [];
  const parts = [...levels] as Condition["levels"];
  return { subject, levels: parts, permission: permissionOf(model, verb) };
}

interface Asked {
  readonly identity: Identity;
  readonly operation: Operation;
  readonly place: Place;
}

/** What the table says about a request (core-rest §7.2, §7.3). */
export function expectedOutcome({ identity, operation, place }: Asked): Outcome {
  const { rule } = operation;
  if (rule === "public") return "let through";
  if (identity === "anonymous") return "401";
  if (rule === "nobody") return "403";
  if (identity === "admin") return operation.object && !place.isThere ? "404" : "let through";
  if (rule === "admin") return "403";
  const refusal = rule === "auth" ? undefined : refusalOf(rule, { identity, operation, place });
  if (refusal) return refusal;
  return operation.object && !shows({ identity, operation, place }) ? "404" : "let through";
}

/** The first condition that does not hold decides; an object is looked up when one asks for it. */
function refusalOf(conditions: readonly string[], asked: Asked): Outcome | undefined {
  const { identity, operation, place } = asked;
  const model = VIEWSETS[operation.viewset ?? ""]?.model ?? "";
  for (const text of conditions) {
    const { subject, levels, permission } = parse(text, model);
    const holds = (level: "M" | "D" | "O") =>
      levels.includes(level) && holdsAt(level, identity, { model, permission, where: place });
    if (holds("M") || holds("D")) continue;
    const isLookedUp = levels.includes("O") && !["body", "domain"].includes(subject);
    if (isLookedUp && !shows(asked, subject)) return "404";
    if (!holds("O")) return "403";
  }
  return undefined;
}

/** Whether somebody sees the object that the URL names, or its parent. */
function shows({ identity, operation, place }: Asked, subject = ""): boolean {
  const isBelow = subject === "parent" && operation.object === operation.viewset;
  const isThere = isBelow ? place.hasParent : place.isThere;
  return isThere && isSeen(operation.object ?? "", identity, place);
}

/** Whether an object that is there shows to somebody, in lists and otherwise. */
export function isSeen(viewset: string, identity: Identity, place: Where & { isOwn: boolean }) {
  const { sees = "all", model = "" } = VIEWSETS[viewset] ?? {};
  if (sees === "all" || identity === "admin") return true;
  if (sees === "own") return place.isOwn;
  const { levels, permission } = parse(sees, model);
  return levels.some((level) => holdsAt(level, identity, { model, permission, where: place }));
}
