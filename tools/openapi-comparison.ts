import type { FieldFacts, OperationFact, TypeFact } from "./openapi-facts.ts";
import { type ApiDocument, isJson, json, list, PLAIN_KEYWORDS } from "./openapi-facts.ts";

export interface SchemaFact extends TypeFact {
  readonly name: string;
}
export type Schemas = ReadonlyMap<string, SchemaFact>;

export interface Component {
  readonly component: string;
  readonly operations: readonly OperationFact[];
  readonly schemas: readonly SchemaFact[];
}

export interface Finding {
  readonly kind: "missing" | "different" | "extra";
  readonly where: string;
  readonly what: string;
}

export interface Report {
  readonly component: string;
  readonly score: number;
  readonly facts: number;
  readonly met: number;
  readonly operations: number;
  readonly missingOperations: number;
  readonly findings: readonly Finding[];
}

/** Two sets of named values, such as the query parameters of an operation. */
interface NamedPair {
  readonly where: string;
  readonly noun: string;
  readonly want: FieldFacts | undefined;
  readonly got: FieldFacts | undefined;
}

/** Every fact of the baseline is one point, met or not. */
class Tally {
  readonly findings: Finding[] = [];
  facts = 0;
  met = 0;

  check(isMet: boolean, where: string, what: string): void {
    this.facts += 1;
    if (isMet) this.met += 1;
    else this.findings.push({ kind: "different", where, what });
  }

  /** A missing thing loses every point that it could have brought. */
  miss(where: string, what: string, facts = 1): void {
    this.facts += facts;
    this.findings.push({ kind: "missing", where, what });
  }

  extra(where: string, what: string): void {
    this.findings.push({ kind: "extra", where, what });
  }
}

class Comparison {
  readonly tally = new Tally();
  readonly #candidate: ApiDocument;
  readonly #schemas: Schemas;
  /** Pairs of schemas met under different names, so that the inside of each is told once. */
  readonly #renamed = new Set<string>();

  constructor(candidate: ApiDocument, schemas: Schemas) {
    this.#candidate = candidate;
    this.#schemas = schemas;
  }

  operation(want: OperationFact, got: OperationFact | undefined, id: string): void {
    const where = `${want.method.toUpperCase()} ${want.path}`;
    if (got === undefined) {
      this.tally.miss(where, "operation", operationSize(want));
      return;
    }
    this.tally.check(true, where, "operation");
    this.tally.check(got.id === id, where, difference("operationId", id, got.id));
    this.tally.check(same(want.tags, got.tags), where, difference("tags", want.tags, got.tags));
    this.#named({ where, noun: "query", want: want.query, got: got.query });
    this.#named({ where, noun: "path parameter", ...pathParameters(want, got) });
    this.#named({
      where,
      noun: "header",
      want: want.header,
      got: knownOf(want.header, got.header),
    });
    this.#body(where, want, got);
    this.#responses(where, want, got);
  }

  schema(want: SchemaFact): void {
    const got = this.#candidate.schema(want.name);
    if (got === undefined) {
      this.tally.miss(want.name, "schema", 1 + size(want.fields));
      return;
    }
    this.tally.check(true, want.name, "schema");
    this.#named({ where: want.name, noun: "field", want: want.fields, got: got.fields });
  }

  #body(where: string, want: OperationFact, got: OperationFact): void {
    if (want.body === undefined) {
      if (got.body !== undefined) this.tally.extra(where, "request body");
      return;
    }
    if (got.body === undefined) {
      this.tally.miss(where, "request body", 1 + want.body.types.length);
      return;
    }
    for (const type of want.body.types) {
      this.tally.check(got.body.types.includes(type), where, `request body does not take ${type}`);
    }
    this.#value(`${where} request`, typeOf(want.body.schema), typeOf(got.body.schema));
  }

  #responses(where: string, want: OperationFact, got: OperationFact): void {
    for (const [status, response] of Object.entries(want.responses)) {
      const answer = got.responses[status];
      if (answer === undefined) this.tally.miss(where, `response ${status}`);
      else this.#value(`${where} response ${status}`, typeOf(response), typeOf(answer));
    }
    // The peer describes successes only; describing failures as well is welcome.
    const extra = Object.keys(got.responses).filter((status) => !(status in want.responses));
    for (const status of extra.filter((code) => code < "400")) {
      this.tally.extra(where, `response ${status}`);
    }
  }

  #named({ where, noun, want = {}, got = {} }: NamedPair): void {
    for (const [name, fact] of Object.entries(want)) {
      const answer = got[name];
      if (answer === undefined) this.tally.miss(where, `${noun} ${name}`);
      else this.#value(`${where} ${noun} ${name}`, fact, answer);
    }
    for (const name of Object.keys(got)) {
      if (!(name in want)) this.tally.extra(where, `${noun} ${name}`);
    }
  }

  #value(where: string, want: TypeFact, got: TypeFact): void {
    const differences = this.#differences(want, got);
    this.tally.check(differences.length === 0, where, differences.join("; "));
  }

  #differences(want: TypeFact, got: TypeFact): readonly string[] {
    const plain = PLAIN_KEYWORDS.filter((key) => !same(want[key], got[key])).filter(
      (key) => !(key === "default" && isDay(want.default)),
    );
    return [
      ...plain.map((key) => difference(key, want[key], got[key])),
      ...enumDifferences(list(want.enum), list(got.enum)),
      ...(want.ref === got.ref ? [] : this.#renaming(want, got)),
      ...(want.ref === undefined ? this.#fields(want.fields, got.fields) : []),
      ...this.#inner("items", want.items, got.items),
      ...this.#inner("map", want.map, got.map),
    ];
  }

  #inner(key: string, want: TypeFact["map"], got: TypeFact["map"]): readonly string[] {
    if (!isJson(want) || !isJson(got)) return same(want, got) ? [] : [difference(key, want, got)];
    return this.#differences(want, got).map((line) => `${key}: ${line}`);
  }

  /** A schema under another name is a difference; what is inside it is compared all the same. */
  #renaming(want: TypeFact, got: TypeFact): readonly string[] {
    const line = difference("schema", want.ref, got.ref);
    const pair = `${want.ref} ${got.ref}`;
    if (want.ref === undefined || this.#renamed.has(pair)) return [line];
    if (got.ref !== undefined) this.#renamed.add(pair);
    const inside = got.ref === undefined ? got : this.#candidate.schema(got.ref);
    return [line, ...this.#fields(this.#schemas.get(want.ref)?.fields, inside?.fields)];
  }

  #fields(want: FieldFacts = {}, got: FieldFacts = {}): readonly string[] {
    return Object.entries(want).flatMap(([name, fact]) => {
      const answer = got[name];
      if (answer === undefined) return [`${name} is missing`];
      return this.#differences(fact, answer).map((line) => `${name}: ${line}`);
    });
  }
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
const size = (facts: FieldFacts | undefined): number => Object.keys(facts ?? {}).length;
const show = (value: unknown): string => JSON.stringify(value) ?? "absent";
const difference = (what: string, want: unknown, got: unknown): string =>
  `${what} is ${show(got)}, not ${show(want)}`;

/** A default counted from the day on which the baseline was recorded is no fact. */
const isDay = (value: unknown): boolean => /^\d{4}-\d\d-\d\d$/.test(String(value));

/** `file.file`: an enum of such names lists what is installed, so fewer of them are no difference. */
const isTypeName = (value: unknown): boolean => /^[a-z_]+\.[a-z_-]+$/.test(String(value));

/** Enums can be long, so only what they do not share is shown. */
function enumDifferences(want: readonly unknown[], got: readonly unknown[]): readonly string[] {
  const isOfTypes = got.length > 0 && want.every(isTypeName);
  const lacks = isOfTypes ? [] : want.filter((value) => !got.includes(value));
  const adds = got.filter((value) => !want.includes(value));
  return [
    ...(lacks.length === 0 ? [] : [`enum lacks ${show(lacks)}`]),
    ...(adds.length === 0 ? [] : [`enum adds ${show(adds)}`]),
  ];
}

/** The baseline shortens a named schema to its name; null stands for an undescribed body. */
function typeOf(value: unknown): TypeFact {
  if (typeof value === "string") return { ref: value };
  return isJson(value) && isJson(value.schema) ? value.schema : json(value);
}

/** A `{…_href}` key swallows the parameters of the path, so there is nothing to compare. */
function pathParameters(want: OperationFact, got: OperationFact): Pick<NamedPair, "want" | "got"> {
  if (got.path.startsWith("{")) return { want: {}, got: {} };
  const { pulp_domain: _, ...params } = got.pathParams ?? {};
  return { want: want.pathParams, got: params };
}

/** Our own headers on top of the peer's are nobody's business here. */
function knownOf(want: FieldFacts = {}, got: FieldFacts = {}): FieldFacts {
  return Object.fromEntries(Object.entries(got).filter(([name]) => name in want));
}

/** How many points `Comparison.operation` would give. */
function operationSize({ query, header, pathParams, body, responses }: OperationFact): number {
  const parameters = size(query) + size(header) + size(pathParams);
  const bodyPoints = body === undefined ? 0 : 1 + body.types.length;
  return 3 + parameters + bodyPoints + Object.keys(responses).length;
}

export interface Inputs {
  readonly candidate: ApiDocument;
  readonly schemas: Schemas;
  readonly useShortIds: boolean;
}

export function compare(component: Component, { candidate, schemas, useShortIds }: Inputs): Report {
  const comparison = new Comparison(candidate, schemas);
  let missingOperations = 0;
  for (const fact of component.operations) {
    const got = candidate.find(fact);
    if (got === undefined) missingOperations += 1;
    comparison.operation(fact, got, useShortIds ? (fact.short ?? fact.id) : fact.id);
  }
  for (const schema of component.schemas) comparison.schema(schema);
  const { facts, met, findings } = comparison.tally;
  return {
    component: component.component,
    score: Math.floor((10_000 * met) / Math.max(facts, 1)) / 100,
    facts,
    met,
    operations: component.operations.length,
    missingOperations,
    findings,
  };
}
