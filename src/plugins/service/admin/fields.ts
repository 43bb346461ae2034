import type { ValidationError } from "#base/errors.ts";
import { type Content, type Html, html } from "./html.ts";
import type { Form } from "./visits.ts";

interface Labelled {
  readonly name: string;
  readonly label: string;
  readonly hint?: Content;
}

/** A field of a form. Texts are as the browser shows them, with a line per entry in lists. */
export type FieldSpec = Labelled &
  (
    | {
        readonly kind: "text";
        readonly value: string;
        readonly isRequired?: boolean;
        readonly maxLength?: number;
        readonly complete?: string;
      }
    | { readonly kind: "area"; readonly value: string; readonly isCode?: boolean }
    | { readonly kind: "secret"; readonly isRequired?: boolean; readonly complete: string }
    | { readonly kind: "flag"; readonly value: boolean }
    | { readonly kind: "choice"; readonly value: string; readonly choices: readonly Choice[] }
    /** Only shown. */
    | { readonly kind: "fixed"; readonly value: Content }
  );

export type Choice = readonly [value: string, text: string];

/** What is wrong, by field; what is wrong with the whole under the empty name. */
export type Problems = Readonly<Record<string, readonly string[]>>;

/** Problems as the API tells them, for the fields that a form has. */
export function problemsOf({ detail }: ValidationError, fields: readonly FieldSpec[]): Problems {
  const problems: Record<string, string[]> = {};
  const add = (name: string, texts: readonly string[]): void => {
    const key = fields.some((field) => field.name === name) ? name : "";
    problems[key] = [...(problems[key] ?? []), ...texts];
  };
  if (Array.isArray(detail)) add("", textsOf(detail));
  else for (const [name, value] of Object.entries(detail)) add(name, textsOf(value));
  return problems;
}

/** The texts inside of nested problems, each with the keys that lead to it. */
function textsOf(value: unknown, path: readonly string[] = []): string[] {
  if (Array.isArray(value)) return value.flatMap((one) => textsOf(one, path));
  if (typeof value === "object" && value !== null) {
    return Object.entries(value).flatMap(([key, one]) =>
      textsOf(one, key === "non_field_errors" ? path : [...path, key]),
    );
  }
  return [path.length === 0 ? String(value) : `${path.join(".")}: ${value}`];
}

/** The fields with what somebody typed instead of what is stored; secrets are typed again. */
export const retyped = (fields: readonly FieldSpec[], form: Form): readonly FieldSpec[] =>
  fields.map((field): FieldSpec => {
    switch (field.kind) {
      case "flag":
        return { ...field, value: form[field.name] !== undefined };
      case "text":
      case "area":
      case "choice":
        return { ...field, value: form[field.name] ?? "" };
      default:
        return field;
    }
  });

export const fieldSet = (fields: readonly FieldSpec[], problems: Problems = {}): Html =>
  html`${summary(problems, fields)}${fields.map((field) => fieldOf(field, problems[field.name]))}`;

/** Where there is something wrong, it is said first, and leads to the fields. */
function summary(problems: Problems, fields: readonly FieldSpec[]): Content {
  if (Object.keys(problems).length === 0) return false;
  const wrong = fields.filter(({ name }) => problems[name]);
  return html`<div class="problems" role="alert"><p>Please correct what is wrong.</p><ul>${(
    problems[""] ?? []
  ).map((text) => html`<li>${text}</li>`)}${wrong.map(
    ({ name, label }) => html`<li><a href="#field-${name}">${label}</a></li>`,
  )}</ul></div>`;
}

function fieldOf(field: FieldSpec, texts: readonly string[] = []): Html {
  const { name, label, hint, kind } = field;
  const id = `field-${name}`;
  const problem =
    texts.length > 0 && html`<p class="problem" id="${id}-problem">${texts.join(" ")}</p>`;
  const help = hint && html`<p class="hint" id="${id}-hint">${hint}</p>`;
  const described = [hint && `${id}-hint`, problem && `${id}-problem`].filter(Boolean).join(" ");
  const marks = html`id="${id}" name="${name}"${
    described !== "" && html` aria-describedby="${described}"`
  }${problem && html` aria-invalid="true"`}`;
  if (kind === "fixed") {
    return html`<dl class="fixed" id="${id}"><dt>${label}</dt><dd>${field.value}</dd>${help}</dl>`;
  }
  if (kind === "flag") {
    return html`<div class="field flag"><input type="checkbox" value="on" ${marks}${
      field.value && html` checked`
    }><label for="${id}">${label}</label>${help}${problem}</div>`;
  }
  return html`<div class="field"><label for="${id}">${label}</label>${help}${problem}${control(
    field,
    marks,
  )}</div>`;
}

type Typed = Exclude<FieldSpec, { readonly kind: "fixed" | "flag" }>;

function control(field: Typed, marks: Html): Html {
  switch (field.kind) {
    case "text":
      return html`<input type="text" ${marks} value="${field.value}" autocomplete="${
        field.complete ?? "off"
      }"${field.isRequired && html` required`}${
        field.maxLength !== undefined && html` maxlength="${field.maxLength}"`
      }>`;
    case "secret":
      return html`<input type="password" ${marks} autocomplete="${field.complete}"${
        field.isRequired && html` required`
      }>`;
    case "area":
      // A line break directly after the tag is dropped, so that one of the value stays.
      return html`<textarea ${marks} rows="${rowsOf(field.value)}"${
        field.isCode && html` class="code" spellcheck="false"`
      }>
${field.value}</textarea>`;
    case "choice":
      return html`<select ${marks}>${field.choices.map(
        ([value, text]) =>
          html`<option value="${value}"${value === field.value && html` selected`}>${text}</option>`,
      )}</select>`;
    default:
      return field satisfies never;
  }
}

const rowsOf = (text: string): number => Math.min(20, Math.max(3, text.split("\n").length + 1));

/** Entries of an area, one a line, each once. */
export const linesOf = (text = ""): readonly string[] => [
  ...new Set(
    text
      .split("\n")
      .map((line) => line.trim())
      .filter((line) => line !== ""),
  ),
];
