import { sql } from "kysely";
import { objectError } from "#base/errors.ts";
import { parsePrn } from "#base/prn.ts";
import { isUuid } from "#base/uuid7.ts";
import type { Family } from "#core/plugin-contract.ts";
import { type Address, parseHref } from "./address.ts";
import { modelKey } from "./api-index.ts";
import type { Run } from "./call.ts";
import { FieldProblem, type Relation, type Resource } from "./resource.ts";
import type { View } from "./view.ts";

interface Found {
  readonly id: string;
  readonly domain: number;
}

/**
 * Id of the object that a body names by href or PRN (core-rest §1.5).
 *
 * @throws `FieldProblem` with the wire's text; `ValidationError` if it is in another domain.
 */
export async function resolveRelation(
  run: Run,
  value: unknown,
  relation: Relation,
): Promise<string> {
  const text = String(value);
  const address = text.startsWith("prn:")
    ? prnAddress(text, run, relation)
    : hrefAddress(text, run, relation);
  const found = await load(run, address, relation);
  if (!found) throw new FieldProblem("Invalid hyperlink - Object does not exist.");
  if (found.domain !== run.caller.domain.num) {
    throw objectError(`Objects must all be a part of the ${run.caller.domain.name} domain.`);
  }
  return found.id;
}

function hrefAddress(text: string, { view }: Run, relation: Relation): Address {
  const address = parseHref(text, view);
  if (!address) throw new FieldProblem("Invalid hyperlink - No URL match.");
  if (!fits(address.resource, relation, view)) {
    throw new FieldProblem("Invalid hyperlink - Incorrect URL match.");
  }
  return address;
}

function prnAddress(text: string, { view }: Run, relation: Relation): Address {
  const parsed = parsePrn(text);
  if (!parsed)
    throw new FieldProblem(`PRN must be of the form 'prn:app_label.model_label:pk': ${text}`);
  if (!parsed.model.includes(".")) {
    throw new FieldProblem(
      `The model must be in the form of 'app_label.model_label': ${parsed.model}`,
    );
  }
  const resource = view.api.byModel(parsed.model);
  if (!resource) throw new FieldProblem(`Model ${parsed.model} does not exist`);
  if (!isUuid(parsed.id)) throw new FieldProblem(`PK invalid: ${parsed.id}`);
  if (!fits(resource, relation, view))
    throw new FieldProblem("Invalid hyperlink - Incorrect URL match.");
  return { resource, key: parsed.id };
}

const TABLES = { artifact: "artifact", upload: "upload" } as const;

function fits(resource: Resource, { to, types }: Relation, { ctx }: View): boolean {
  if (to === "repository_version") return modelKey(resource) === "core.repositoryversion";
  if (to in TABLES) return resource.path === `${to}s`;
  if (to === "content" && types !== undefined) {
    return types.some((type) => ctx.plugins.entity("content", type).path === resource.path);
  }
  return (
    resource.family === to &&
    (types === undefined ||
      types.some((type) => ctx.plugins.entity(to as Family, type).path === resource.path))
  );
}

async function load(
  run: Run,
  { key, parent }: Address,
  { to }: Relation,
): Promise<Found | undefined> {
  const { db } = run.ctx;
  if (to === "repository_version") return loadVersion(run, key, parent);
  // The key of units begins with their domain, so each domain is probed.
  const { rows } =
    to === "content"
      ? await sql<Found>`select x.id, x.domain from domain d cross join lateral (
          select id, domain from content where domain = d.num and id = ${key}) x`.execute(db)
      : await sql<Found>`select id, domain from ${sql.table(to)} where id = ${key}`.execute(db);
  return rows.find(({ domain }) => domain === run.caller.domain.num) ?? rows[0];
}

/** By number below its repository, or by the id of a PRN; only complete versions exist. */
async function loadVersion(run: Run, key: string, parent?: string): Promise<Found | undefined> {
  if (parent !== undefined && (!isUuid(parent) || !/^\d{1,9}$/.test(key))) return undefined;
  const where =
    parent === undefined ? sql`v.id = ${key}` : sql`r.id = ${parent} and v.number = ${Number(key)}`;
  const { rows } = await sql<Found>`
    select v.id, v.domain from repository_version v join repository r on r.num = v.repository
    where v.complete and ${where}`.execute(run.ctx.db);
  return rows[0];
}

/**
 * Ids of content units named by hrefs or PRNs of any content type; nothing is looked up.
 *
 * @throws `FieldProblem` naming the first that is no address of a unit.
 */
export function contentIds(run: Run, values: readonly string[]): string[] {
  return values.map((value) => {
    const id = value.startsWith("prn:")
      ? parsePrn(value)?.id
      : value.replace(/\/+$/, "").split("/").at(-1);
    if (!id || !isUuid(id)) throw new FieldProblem(`URI not valid: ${value}`);
    const address = value.startsWith("prn:") ? undefined : parseHref(value, run.view);
    if (address && address.resource.family !== "content") {
      throw new FieldProblem(`URI ${value} is not a valid Content.`);
    }
    return id;
  });
}
