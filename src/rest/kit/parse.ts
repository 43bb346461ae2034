import { type ValidationDetail, ValidationError } from "#base/errors.ts";
import type { Run } from "./call.ts";
import { coerceForm } from "./form.ts";
import { resolveRelation } from "./references.ts";
import { type Body, type Field, FieldProblem, type Fields, type Values } from "./resource.ts";
import { problemOf } from "./value.ts";

/** What a request brought, before it is checked. */
export interface RawBody {
  readonly values: Readonly<Record<string, unknown>>;
  /** Values came as texts of a form: `"1"` is a number there. */
  readonly isForm: boolean;
}

export interface ParseOptions extends Pick<Body, "fields" | "isLenient"> {
  /** PATCH: only given keys count, nothing is required, no default applies. */
  readonly isPartial: boolean;
}

const MISSING = Symbol("missing");

/**
 * Checks a body against fields: each field by itself first, all problems at once; then unknown keys.
 *
 * @returns values by field name; relations are ids.
 * @throws `ValidationError` with the texts of core-rest §2.2.
 */
export async function parseBody(run: Run, raw: RawBody, options: ParseOptions): Promise<Values> {
  const writable = Object.entries(options.fields).filter(([, field]) => !field.readOnly);
  const problems: Record<string, unknown> = {};
  const values: Record<string, unknown> = {};
  await Promise.all(
    writable.map(async ([name, field]) => {
      try {
        const value = await parseField({ run, name, field, raw, isPartial: options.isPartial });
        if (value !== MISSING) values[name] = value;
      } catch (error) {
        if (!(error instanceof FieldProblem)) throw error;
        problems[name] = typeof error.detail === "string" ? [error.detail] : error.detail;
      }
    }),
  );
  if (Object.keys(problems).length > 0) throw new ValidationError(inOrder(problems, writable));
  if (!options.isLenient) refuseUnknown(raw, options.fields);
  return values;
}

/** Problems appear in the order of the fields, whichever check ended first. */
const inOrder = (
  problems: Readonly<Record<string, unknown>>,
  fields: readonly (readonly [string, Field])[],
): ValidationDetail =>
  Object.fromEntries(
    fields.filter(([name]) => name in problems).map(([name]) => [name, problems[name]]),
  );

function refuseUnknown({ values }: RawBody, fields: Fields): void {
  const unknown = Object.keys(values).filter((name) => {
    const known = Object.hasOwn(fields, name) ? fields[name] : undefined;
    return known === undefined || known.readOnly === true;
  });
  const refused = unknown.filter(
    (name) => name !== "csrfmiddlewaretoken" && !isReadOnly(fields, name),
  );
  if (refused.length === 0) return;
  throw new ValidationError(
    Object.fromEntries(refused.map((name) => [name, ["Unexpected field"]])),
  );
}

/** Clients send back what they read, so read-only keys are ignored, not refused. */
const isReadOnly = (fields: Fields, name: string): boolean =>
  COMMON_KEYS.has(name) || (Object.hasOwn(fields, name) && fields[name]?.readOnly === true);

const COMMON_KEYS = new Set(["pulp_href", "prn", "pulp_created", "pulp_last_updated"]);

interface FieldInput {
  readonly run: Run;
  readonly name: string;
  readonly field: Field;
  readonly raw: RawBody;
  readonly isPartial: boolean;
}

async function parseField({ run, name, field, raw, isPartial }: FieldInput): Promise<unknown> {
  const given = Object.hasOwn(raw.values, name) ? raw.values[name] : undefined;
  const value = raw.isForm ? coerceForm(given, field) : given;
  if (value === undefined) return absent(field, run, isPartial);
  if (value === null) {
    if (field.nullable || field.accepts?.nullable) return null;
    throw new FieldProblem("This field may not be null.");
  }
  const trimmed = typeof value === "string" && !field.verbatim ? value.trim() : value;
  const problem = problemOf(trimmed, field);
  if (problem !== undefined) throw new FieldProblem(problem);
  const resolved = field.relation ? await resolveRelation(run, trimmed, field.relation) : trimmed;
  return field.check ? field.check(resolved as never, run) : resolved;
}

function absent(field: Field, run: Run, isPartial: boolean): unknown {
  if (isPartial) return MISSING;
  if (field.absent) return field.absent(run);
  if (field.schema.format === "binary" && field.required)
    throw new FieldProblem("No file was submitted.");
  if (field.required) throw new FieldProblem("This field is required.");
  return field.default === undefined ? MISSING : field.default;
}
