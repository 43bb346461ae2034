import type { Call, Plugin } from "#sdk";

export type Endpoint = NonNullable<Plugin["endpoints"]>[number];
export type Outcome = Awaited<ReturnType<Endpoint["run"]>>;
type Json = Extract<Outcome, { readonly kind: "json" }>["body"];

export const json = (status: number, body: Json): Outcome => ({ kind: "json", status, body });

/** Words of the path without the second, so that clients are called as those of the peer (§8). */
export function tagOf(path: string): string {
  const [first = "", , ...others] = path
    .split("/")
    .filter(Boolean)
    .map((word) => word.replaceAll(/(?<![a-z])[a-z]/g, (letter) => letter.toUpperCase()));
  return [`${first}:`, ...others].join(" ");
}

/** What all of these have in common; they answer what no schema describes. */
export const operation = (
  own: Pick<Endpoint, "path" | "title" | "run"> & Partial<Endpoint>,
): Endpoint => ({
  method: "GET",
  label: "service",
  operationId: own.path.replace(/^\/api\/pulp\/|\/$/g, "").replaceAll(/[/-]/g, "_"),
  tag: tagOf(own.path),
  isDescribed: true,
  answers: { 200: null },
  ...own,
});

/** A whole number of the query within bounds; what is none counts as not given. */
export function numberIn(
  call: Call,
  name: string,
  { least, most, otherwise }: { readonly least: number; readonly most: number; otherwise: number },
): number {
  const text = queryOf(call, name);
  const value = /^-?\d{1,9}$/.test(text) ? Number(text) : otherwise;
  return Math.min(most, Math.max(least, value));
}

/** A parameter of the query; empty without it. */
export const queryOf = ({ request }: Call, name: string): string =>
  new URL(request.url, "http://x").searchParams.get(name) ?? "";
