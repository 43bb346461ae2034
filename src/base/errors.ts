/** Where an error belongs on the wire: HTTP status and, for coded ones, the `PLPnnnn` prefix. */
export interface ErrorSpec {
  /** `PLPnnnn` of core-rest §8.11, or a name of ours in lower case for errors without one. */
  readonly code: string;
  /** HTTP status if the error reaches a client directly. */
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: each table entry names its own parameter list.
  readonly message: (...parameters: any[]) => string;
}

/** An error that we mean: its text is safe to show and its status is known. */
export class CodedError extends Error {
  readonly code: string;
  readonly status: number;

  constructor(code: string, status: number, message: string, options?: ErrorOptions) {
    super(/^PLP\d{4}$/.test(code) ? `[${code}] ${message}` : message, options);
    this.name = "CodedError";
    this.code = code;
    this.status = status;
  }
}

export type ErrorFactory<Spec extends ErrorSpec> = {
  (...parameters: Parameters<Spec["message"]>): CodedError;
  readonly spec: Spec;
  is(error: unknown): error is CodedError;
};

export type ErrorTable<Specs extends Record<string, ErrorSpec>> = {
  readonly [Name in keyof Specs]: ErrorFactory<Specs[Name]>;
};

const tables: Record<string, ErrorSpec>[] = [];

/** One table per folder: typed `throw errors.name(…)`, the test `errors.name.is(error)`, and docs. */
export function defineErrors<const Specs extends Record<string, ErrorSpec>>(
  specs: Specs,
): ErrorTable<Specs> {
  tables.push(specs);
  const entries = Object.entries(specs).map(([name, spec]) => [name, errorFactory(spec)]);
  return Object.fromEntries(entries) as ErrorTable<Specs>;
}

/** Every error defined by the modules loaded so far, for the reference page. */
export const definedErrors = (): readonly ErrorSpec[] => tables.flatMap((t) => Object.values(t));

function errorFactory<Spec extends ErrorSpec>(spec: Spec): ErrorFactory<Spec> {
  const make = (...parameters: Parameters<Spec["message"]>) =>
    new CodedError(spec.code, spec.status, spec.message(...parameters));
  const is = (error: unknown): error is CodedError =>
    error instanceof CodedError && error.code === spec.code && error.status === spec.status;
  return Object.assign(make, { spec, is });
}

/**
 * Input that the client has to change (HTTP 400).
 *
 * @param detail the body as the wire shows it: `{field: ["text"]}`, `{non_field_errors: ["…"]}`,
 *   or a bare list (core-rest §2.2).
 */
export class ValidationError extends Error {
  readonly detail: ValidationDetail;

  constructor(detail: ValidationDetail) {
    super(JSON.stringify(detail));
    this.name = "ValidationError";
    this.detail = detail;
  }
}

export type ValidationDetail = readonly string[] | { readonly [field: string]: unknown };

/** `{field: [text]}`, the most common shape. */
export const fieldError = (field: string, text: string): ValidationError =>
  new ValidationError({ [field]: [text] });

/** `{non_field_errors: [text]}`. */
export const objectError = (text: string): ValidationError =>
  new ValidationError({ non_field_errors: [text] });
