import type { Call, Plugin } from "#sdk";

export type Endpoint = NonNullable<Plugin["endpoints"]>[number];
export type Outcome = Awaited<ReturnType<Endpoint["run"]>>;
type Json = Extract<Outcome, { readonly kind: "json" }>["body"];

export const json = (status: number, body: Json): Outcome => ({ kind: "json", status, body });

/** What all of these have in common; they answer what no schema describes. */
export const operation = (
  own: Pick<Endpoint, "path" | "title" | "run"> & Partial<Endpoint>,
): Endpoint => ({
  method: "GET",
  label: "service",
  operationId: own.path.replace(/^\/api\/pulp\//, "").replaceAll(/[/-]/g, "_"),
  tag: "Operations",
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
