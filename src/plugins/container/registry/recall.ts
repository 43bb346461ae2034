import { SCHEMA1_SIGNED } from "../format/media-types.ts";
import type { Place } from "./places.ts";
import type { Registry, RepositoryVisit } from "./registry.ts";
import type { Answer, Exchange, Visit } from "./visit.ts";

/**
 * What a GET or HEAD is answered that was answered a moment ago, if it is known, too, who asks and
 * that they may still pull: a pull without a statement, a promise or a look at its path. Whatever is
 * not at hand goes the long way, which decides.
 */
export function recalledAnswer(
  { memory, access, pulls }: Registry,
  visit: Visit,
): Answer | undefined {
  const { exchange, method } = visit;
  if (method !== "GET" && method !== "HEAD") return undefined;
  const recalled = memory.recall(requestOf(exchange));
  if (!recalled) return undefined;
  const { answer, place, type } = recalled;
  if (type !== null && !isAccepted(exchange.request.headers.accept, type)) return undefined;
  if (!access.mayRecall(visit, place)) return undefined;
  pulls.noteAgain(answer);
  return answer;
}

/**
 * Lets the next request of this kind be answered so.
 *
 * @param key of the answer in memory
 * @param type that the client has to accept; null where nobody asks
 */
export function noteRequest(
  { memory, tools }: Registry,
  { exchange, name }: RepositoryVisit,
  of: { readonly place: Place; readonly key: string; readonly type: string | null },
): void {
  // Who counts what is sent wants to know who got it.
  if (tools.countSent) return;
  // By a query the name may lead elsewhere (`?ns=`), to what nobody has looked up by this name.
  if (of.place.name !== name.full) return;
  memory.note(requestOf(exchange), of.key, of.type);
}

function requestOf({ isHead, rawPath, query }: Exchange): string {
  const target = query === undefined ? rawPath : `${rawPath}?${query}`;
  return isHead ? `HEAD ${target}` : target;
}

/** Of several Accept lines Node makes one (plugin-container §7.5). */
export function isAccepted(accept: string | undefined, type: string): boolean {
  if (accept === undefined || accept === type || type === SCHEMA1_SIGNED) return true;
  return accept.split(",").some((range) => {
    const [wanted = ""] = range.split(";");
    const trimmed = wanted.trim().toLowerCase();
    return trimmed === "*/*" || trimmed === "application/*" || trimmed === type;
  });
}
