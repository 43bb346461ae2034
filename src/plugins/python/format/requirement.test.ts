import assert from "node:assert/strict";
import { test } from "node:test";
import { parseRequirement } from "./requirement.ts";

const summary = (text: string): string => {
  const { name, extras, specifiers, url, marker } = parseRequirement(text);
  const conditions = specifiers.map((each) => each.operator + each.text).join(" ");
  return [name, extras.join(" "), url ?? conditions, marker ?? ""].join(" | ");
};

const valid: Readonly<Record<string, string>> = {
  Django: "Django |  |  | ",
  " foo ": "foo |  |  | ",
  "Django~=4.2": "Django |  | ~=4.2 | ",
  "foo >=1, !=1.5.* ,": "foo |  | >=1 !=1.5.* | ",
  "foo (>=1,<2)": "foo |  | >=1 <2 | ",
  "foo()": "foo |  |  | ",
  "foo[a,b-c]==1": "foo | a b-c | ==1 | ",
  "foo [ ] ": "foo |  |  | ",
  "foo @ https://x.example/a;b.zip": "foo |  | https://x.example/a;b.zip | ",
  "foo[x]@file:///a ; os_name == 'nt'": "foo | x | file:///a | os_name == 'nt'",
  'foo; python_version<"3" and (extra == "a" or "linux" not in sys_platform)':
    'foo |  |  | python_version<"3" and (extra == "a" or "linux" not in sys_platform)',
  "foo>=1;os.name==''": "foo |  | >=1 | os.name==''",
};

for (const [text, expected] of Object.entries(valid)) {
  test(`reads '${text}'`, () => {
    assert.equal(summary(text), expected);
  });
}

const invalid: Readonly<Record<string, string>> = {
  "": "A requirement begins with the name of a project.",
  ">=1": "A requirement begins with the name of a project.",
  "-foo": "'-foo' is not a valid name.",
  "foo/bar": "'foo/bar' is not a valid name.",
  "foo\nbar": "A requirement is one line.",
  "foo bar": "'bar' is not a valid version specifier.",
  "foo==": "'==' is not a valid version specifier.",
  "foo=1": "'=1' is not a valid version specifier.",
  "foo 1.0": "'1.0' is not a valid version specifier.",
  "foo>=1,,<2": "'' is not a valid version specifier.",
  "foo,": "'' is not a valid version specifier.",
  "foo===any thing": "'===any thing' is not a valid version specifier.",
  "foo(>=1": "The list of versions is not closed by ')'.",
  "foo[a": "The list of extras is not closed by ']'.",
  "foo[a b]": "'a b' is not a valid name of an extra.",
  "foo[a,]": "'' is not a valid name of an extra.",
  "foo @": "A URL is missing after '@'.",
  "foo @ x y": "'y' stands after the URL; a marker begins with ';'.",
  "foo;": "A marker is missing after ';'.",
  "foo; os_name": "The marker has the end where an operator should stand.",
  "foo; os_name = 'x'": "The marker has = where an operator should stand.",
  "foo; os_name == ": "The marker has the end where a variable or a quoted text should stand.",
  "foo; os_nam == 'x'": "The marker has os_nam where a variable or a quoted text should stand.",
  "foo; os_name == 'x": "The marker has ' where a variable or a quoted text should stand.",
  "foo; os_name not 'x'": "The marker has 'x' where 'in' should stand.",
  "foo; (os_name == 'x'": "The marker has the end where ')' should stand.",
  "foo; os_name == 'x' xor": "The marker has xor where 'and', 'or' or the end should stand.",
  "foo; os_name == 'x')": "The marker has ) where 'and', 'or' or the end should stand.",
};

for (const [text, message] of Object.entries(invalid)) {
  test(`refuses ${JSON.stringify(text)}`, () => {
    assert.throws(() => parseRequirement(text), { name: "Malformed", message });
  });
}

test("depth and length are bounded", () => {
  const deep = (depth: number) => `foo; ${"(".repeat(depth)}os_name=='x'${")".repeat(depth)}`;
  assert.equal(parseRequirement(deep(64)).name, "foo");
  assert.throws(() => parseRequirement(deep(65)), { name: "Malformed" });
  assert.throws(() => parseRequirement(`foo${" ".repeat(65_536)}`), { name: "Malformed" });
  for (const piece of [" ", "(", "'x' ", "[", "<", ";", "-", "\t;"]) {
    const text = `foo;${piece.repeat(60_000 / piece.length)}!`;
    assert.throws(() => parseRequirement(text), { name: "Malformed" });
    assert.throws(() => parseRequirement(`foo${text.slice(4)}`), { name: "Malformed" });
  }
});
