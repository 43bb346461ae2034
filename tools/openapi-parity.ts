/**
 * Compares an OpenAPI document with the recorded facts of the peer's API.
 *
 *   node tools/openapi-parity.ts [--candidate URL_OR_FILE] [--baseline openapi/baseline] [--domains]
 *        [--component core,file] [--owed openapi/owed.json] [--bindings] [--limit 40] [--json]
 *
 * Without a candidate it is the description of this program. With `--domains` the description is
 * that of a server with domains, and its paths are looked at too. The baseline holds one facts file per component (see the README beside them). With `--owed`, of
 * the components that the file names by tag or operation only those parts count, and what is left
 * is told as one line. Pass `--bindings` when the candidate carries the short operation ids. Exit
 * codes: 0 every fact is met, 1 something is missing or different, 2 wrong usage. What the
 * candidate has beyond the baseline never fails.
 */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Component, compare, type Report } from "./openapi-comparison.ts";
import { type DomainRule, domainFindings } from "./openapi-domains.ts";
import { ApiDocument, type Json, json, list } from "./openapi-facts.ts";
import { ownDescription } from "./own-description.ts";

/** What this release owes: whole components, and parts of others. */
interface Owed {
  readonly components: readonly string[];
  readonly tags: readonly string[];
  readonly operations: readonly string[];
}

/** Facts files are the ones that hold operations; other notes may lie beside them. */
async function readBaseline(directory: string): Promise<readonly Component[]> {
  const names = (await readdir(directory)).filter((name) => name.endsWith(".json")).sort();
  const files = await Promise.all(names.map((name) => readFile(join(directory, name), "utf8")));
  return files.map((file) => JSON.parse(file)).filter((file) => Array.isArray(file.operations));
}

async function readCandidate(source: string): Promise<Json> {
  if (!/^https?:/.test(source)) return json(JSON.parse(await readFile(source, "utf8")));
  const response = await fetch(source);
  if (!response.ok) throw new Error(`${source} answered ${response.status}`);
  return json(await response.json());
}

/** Says what of the paths with domains is wrong; true if nothing is. */
async function checkDomains(
  components: readonly Component[],
  document: Json,
  baseline: string,
): Promise<boolean> {
  const rule: DomainRule = JSON.parse(await readFile(join(baseline, "domains.json"), "utf8"));
  const findings = domainFindings(components, rule, document);
  const count = components.reduce((sum, { operations }) => sum + operations.length, 0);
  console.log(`domains       ${count} operations, ${findings.length} not where they should be`);
  for (const finding of findings) console.log(`  ${finding}`);
  return findings.length === 0;
}

async function readOwed(path: string): Promise<Owed> {
  const file: Json = json(JSON.parse(await readFile(path, "utf8")));
  const texts = (key: string) => list(file[key]).map(String);
  return {
    components: texts("components"),
    tags: texts("tags"),
    operations: texts("operations"),
  };
}

/** The owed part of a component: its operations, and the schemas that they reach. */
function restrict(component: Component, owed: Owed): Component {
  if (owed.components.includes(component.component)) return component;
  const operations = component.operations.filter(
    ({ id, tags }) => owed.operations.includes(id) || tags.some((tag) => owed.tags.includes(tag)),
  );
  const names = new Set(component.schemas.map(({ name }) => name));
  const reached = new Set<string>();
  const reach = (value: unknown): void => {
    for (const name of namesIn(value).filter((each) => names.has(each) && !reached.has(each))) {
      reached.add(name);
      reach(component.schemas.find((schema) => schema.name === name)?.fields);
    }
  };
  reach(operations);
  const schemas = component.schemas.filter(({ name }) => reached.has(name));
  return { ...component, operations, schemas };
}

/** Every text inside a fact; the names of schemas are among them. */
function namesIn(value: unknown): readonly string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null) return [];
  return Object.values(value).flatMap(namesIn);
}

function print({ component, score, findings, ...counts }: Report, limit: number): void {
  const { met, facts, operations, missingOperations } = counts;
  const present = `${operations - missingOperations}/${operations} operations`;
  const percent = `${score.toFixed(2).padStart(7)} %`;
  console.log(`${component.padEnd(14)}${percent}  ${met}/${facts} facts, ${present}`);
  const owed = findings.filter(({ kind }) => kind !== "extra");
  for (const { kind, where, what } of owed.slice(0, limit)) {
    console.log(`  ${kind.padEnd(10)}${where}: ${what}`);
  }
  if (owed.length > limit) console.log(`  … ${owed.length - limit} more`);
  console.log(`  ${findings.length - owed.length} things beyond the baseline`);
}

/** Operations of the baseline that are neither owed nor there: what later releases bring. */
function printLater(components: readonly Component[], owed: Owed, candidate: ApiDocument): void {
  const later = components.flatMap((component) => {
    const now = new Set(restrict(component, owed).operations);
    return component.operations.filter((each) => !now.has(each));
  });
  const absent = later.filter((fact) => candidate.find(fact) === undefined);
  const tags = [...new Set(absent.flatMap(({ tags }) => tags))];
  console.log(`not yet owed: ${absent.length} operations missing in ${tags.length} tags`);
  console.log(`  ${tags.join(", ")}`);
}

function commandLine() {
  const { values } = parseArgs({
    options: {
      baseline: { type: "string", default: "openapi/baseline" },
      candidate: { type: "string" },
      component: { type: "string" },
      owed: { type: "string" },
      bindings: { type: "boolean", default: false },
      limit: { type: "string", default: "40" },
      json: { type: "boolean", default: false },
      domains: { type: "boolean", default: false },
    },
  });
  return values;
}

async function main(): Promise<number> {
  const options = commandLine();
  const components = await readBaseline(options.baseline);
  const document = options.candidate
    ? await readCandidate(options.candidate)
    : json(ownDescription({ domainEnabled: options.domains }));
  const candidate = new ApiDocument(document);
  const names = options.component?.split(",") ?? components.map(({ component }) => component);
  const unknown = names.filter((name) => !components.some(({ component }) => component === name));
  if (unknown.length > 0) throw new Error(`no facts for ${unknown.join(", ")}`);

  const named = components.flatMap(({ schemas }) =>
    schemas.map((fact) => [fact.name, fact] as const),
  );
  const inputs = { candidate, schemas: new Map(named), useShortIds: options.bindings };
  const wanted = components.filter(({ component }) => names.includes(component));
  const owed = options.owed ? await readOwed(options.owed) : undefined;
  const parts = owed ? wanted.map((component) => restrict(component, owed)) : wanted;
  const reports = parts.map((component) => compare(component, inputs));

  if (options.json) console.log(JSON.stringify({ reports }, null, 2));
  else {
    for (const report of reports) print(report, Number(options.limit));
    if (owed) printLater(wanted, owed, candidate);
  }
  const areAtHome = !options.domains || (await checkDomains(parts, document, options.baseline));
  return areAtHome && reports.every(({ met, facts }) => met === facts) ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}
