import type { AccessFacts } from "./access-reader.ts";
import type { Column, Row } from "./parquet-file.ts";

/** Columns of exports of the API's log (service §23). */
export const apiColumns: readonly Column[] = [
  { name: "timestamp", kind: "moment", isRequired: true },
  { name: "message", kind: "text", isRequired: true },
  { name: "user", kind: "text" },
  { name: "org_id", kind: "text" },
  { name: "domain", kind: "text" },
  { name: "distribution", kind: "text" },
  { name: "package", kind: "text" },
  { name: "status_code", kind: "int16", isRequired: true },
  { name: "user_agent", kind: "text" },
  { name: "x_forwarded_for", kind: "text" },
];

/** Segments that end the path of a distribution; the package comes after most of them. */
const ENDS = new Set(["simple", "pypi", "legacy", "integrity"]);

/** @param prefix text of the path after which the domain comes */
export function apiRow(facts: AccessFacts, message: string, prefix: string): Row {
  const rest = facts.path.slice(facts.path.indexOf(prefix) + prefix.length);
  const [domain, ...inside] = segmentsOf(rest);
  const end = inside.findIndex((segment) => ENDS.has(segment));
  const distribution = (end < 0 ? inside : inside.slice(0, end)).join("/");
  const name = end < 0 ? undefined : inside[end + 1];
  return {
    ...{ timestamp: facts.atMs, message, status_code: facts.status },
    ...given({ user: facts.user, org_id: facts.orgId, user_agent: facts.userAgent }),
    ...given({ domain, distribution, package: name }),
    ...given({ x_forwarded_for: firstOf(facts.forwardedFor) }),
  };
}

/** Parts of a path, decoded; what is wrongly encoded stays as it was sent. */
export const segmentsOf = (path: string): readonly string[] =>
  path
    .split("/")
    .filter((segment) => segment !== "")
    .map(decoded);

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    // Clients send what they like; the log shows it.
    return segment;
  }
}

/** The client is the first of the addresses; proxies follow. */
export const firstOf = (list: string | undefined): string | undefined =>
  list?.split(",")[0]?.trim();

/** Without what is not known. */
export const given = (values: Readonly<Record<string, string | undefined>>): Row =>
  Object.fromEntries(
    Object.entries(values).filter(([, value]) => value !== undefined && value !== ""),
  );
