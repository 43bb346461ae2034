import assert from "node:assert/strict";
import { test } from "node:test";
import { ValidationError } from "#base/errors.ts";
import { type FieldSpec, fieldSet, linesOf, problemsOf, retyped } from "./fields.ts";
import { html } from "./html.ts";

const EVIL = `"><script>alert('x')</script>&`;

test("values of templates are escaped, markup of templates is not", () => {
  const inner = html`<b title="${EVIL}">${EVIL}</b>`;
  const { text } = html`<p>${inner}${[1, "<", false, null, undefined]}${false && inner}</p>`;
  const safe = "&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;";
  assert.equal(text, `<p><b title="${safe}">${safe}</b>1&lt;</p>`);
});

const FIELDS: readonly FieldSpec[] = [
  { kind: "text", name: "name", label: "Name", value: "old", hint: "A name." },
  { kind: "area", name: "users", label: "Users", value: "a\nb" },
  { kind: "flag", name: "is_active", label: "Active", value: true },
  { kind: "secret", name: "password", label: "Password", complete: "off" },
  { kind: "choice", name: "kind", label: "Kind", value: "x", choices: [["x", EVIL]] },
  { kind: "fixed", name: "id", label: "Id", value: EVIL },
];

test("every control has a label, and its hint and problem belong to it", () => {
  const { text } = fieldSet(FIELDS, { name: [EVIL, "Two."], "": ["The whole."] });
  for (const { name, kind } of FIELDS) {
    if (kind === "fixed") continue;
    assert.match(text, new RegExp(`<label for="field-${name}">`));
    assert.match(text, new RegExp(`id="field-${name}" name="${name}"`));
  }
  assert.match(
    text,
    /name="name" aria-describedby="field-name-hint field-name-problem" aria-invalid="true"/,
  );
  assert.match(text, /role="alert">.*The whole\..*href="#field-name"/s);
  assert.equal(text.includes("<script"), false);
});

test("what somebody typed comes back, but for secrets", () => {
  const again = retyped(FIELDS, { name: "new", users: "c", password: "secret", kind: "y" });
  assert.deepEqual(
    again.map((field) => ("value" in field ? field.value : undefined)),
    ["new", "c", false, undefined, "y", EVIL],
  );
});

test("problems of the API find their fields, nested ones with the keys that lead there", () => {
  const nested = {
    name: ["One.", "Two."],
    other: { location: ["Three."], non_field_errors: ["4."] },
  };
  assert.deepEqual(problemsOf(new ValidationError(nested), FIELDS), {
    name: ["One.", "Two."],
    "": ["location: Three.", "4."],
  });
  assert.deepEqual(problemsOf(new ValidationError(["Bare."]), FIELDS), { "": ["Bare."] });
});

test("entries of an area are its lines, each once", () => {
  assert.deepEqual(linesOf(" a \r\nb,c\n\na\n"), ["a", "b,c"]);
  assert.deepEqual(linesOf(undefined), []);
});
