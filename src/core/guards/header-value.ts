import { isSameText } from "#base/same-text.ts";
import type { Ctx } from "../ctx.ts";
import { decodedHeader } from "./rules.ts";
import type { HeaderRule } from "./types.ts";

/**
 * Whether a header value, Base64 as it was sent, is the wanted one: as a whole, or what the filter
 * finds in it first (core-content §6). Whatever goes wrong with the filter is a no.
 */
export async function isWantedHeader(
  { jq }: Pick<Ctx, "jq">,
  sent: string,
  { header_value: wanted, jq_filter: filter }: Pick<HeaderRule, "header_value" | "jq_filter">,
): Promise<boolean> {
  const text = decodedHeader(sent);
  if (text === undefined) return false;
  if (filter === null) return isSameText(text, wanted);
  if (!isJson(text)) return false;
  const found = await jq.first(filter, text);
  if (found.kind !== "value") return false;
  const { value } = found;
  const isComparable = typeof value === "string" || typeof value === "number";
  return isComparable && isSameText(String(value), wanted);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
