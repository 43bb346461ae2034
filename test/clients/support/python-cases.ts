import type { Random } from "../../../tools/chaos/random.ts";

/** A kind of question, and what it is about. */
export type Case = readonly [kind: string, ...inputs: readonly unknown[]];

/** How many of each kind are asked; a question takes Python from 10 to 100 µs. */
const KINDS: readonly (readonly [count: number, make: (random: Random) => Case])[] = [
  [20_000, (random) => ["version", spoiled(random, version(random))]],
  [20_000, (random) => ["order", version(random), version(random)]],
  [20_000, (random) => ["specifiers", specifiers(random), times(4, () => version(random))]],
  [15_000, (random) => ["requirement", spoiled(random, requirement(random))]],
  [6000, (random) => ["wheel", spoiled(random, wheel(random))]],
  [6000, (random) => ["sdist", spoiled(random, sdist(random))]],
  [5000, (random) => ["name", spoiled(random, name(random))]],
  [8000, (random) => ["metadata", metadata(random).toString("base64")]],
];

/** Cases that repeat with their seed: valid, nearly valid, and junk. */
export const generatedCases = (random: Random): Case[] =>
  KINDS.flatMap(([count, make]) => times(count, () => make(random)));

const VERSIONS = [
  ...["1.dev0", "1.0.dev456", "1.0a1", "1.0a2.dev456", "1.0a12.dev456", "1.0a12", "1.0b1.dev456"],
  ...["1.0b2", "1.0b2.post345.dev456", "1.0b2.post345", "1.0rc1.dev456", "1.0rc1", "1.0"],
  ...["1.0+abc.5", "1.0+abc.7", "1.0+5", "1.0.post456.dev34", "1.0.post456", "1.0.15", "1.1.dev1"],
  ...["1!0.1", "1.0.0", "01.0", "1.0-1", "1.0.post456+x", "2004d", "", "1.7.0.post1", "3.1rc2"],
];

const SPECIFIERS = [
  ...["", "~=2.2", "~=1.0a2", "~=1.4.5a4", "~=1", "==1", "==1.0.*", "==1.0+abc.5", "==1!0.*"],
  ...["!=1.0", "!=1.0.*", "<=1.0", ">=1.0", "<1.0", ">1.0", "<1.0rc1", ">1.0a12", ">1.0.post456"],
  ...[
    "<1.0.post456",
    "===1.0",
    "===2004d",
    ">=1,<2",
    ">=1,",
    "==1.0a1.*",
    "^1",
    "~>1",
    "=1",
    "1.0",
  ],
];

const REQUIREMENTS = [
  ...[
    "Django~=4.2",
    "foo [a, b]>=1 , <2 ; os_name=='nt'",
    "foo @ https://x.example/a.zip ; extra=='a'",
  ],
  ...[
    "foo(>=1)",
    "foo()",
    "foo[]",
    "foo>=1,",
    "foo,",
    "foo[a,]",
    "foo 1.0",
    "foo; os_name",
    "-foo",
  ],
  ...["foo;(os_name=='a' and extra not in 'b') or os_name<'c'", "foo;os_name~='x'", "foo @ x y"],
];

/** Cases from the specifications, and those at which readers have failed. */
export const WRITTEN_CASES: readonly Case[] = [
  ...VERSIONS.map((text): Case => ["version", text]),
  ...VERSIONS.flatMap((a) => VERSIONS.map((b): Case => ["order", a, b])),
  ...SPECIFIERS.map((text): Case => ["specifiers", text, VERSIONS.filter((each) => each !== "")]),
  ...REQUIREMENTS.map((text): Case => ["requirement", text]),
];

const times = <Item>(count: number, make: () => Item): Item[] =>
  Array.from({ length: count }, make);

const some = (random: Random, percent: number, make: () => string): string =>
  random.below(100) < percent ? make() : "";

const NUMBERS = ["0", "0", "1", "1", "2", "3", "10", "01", "2024", "9007199254740993"];
const PHASES = ["a", "b", "rc", "c", "alpha", "BETA", "pre", "preview"];
const LOCALS = ["local", "1", "ubuntu.2", "a-B_3", "001"];

function version(random: Random): string {
  const number = () => random.pick(NUMBERS);
  const mark = () => random.pick(["", "", ".", "-", "_"]);
  const numbered = (words: readonly string[]) =>
    `${mark()}${random.pick(words)}${some(random, 70, () => mark() + number())}`;
  return [
    some(random, 5, () => random.pick(["v", "V", " ", "\t"])),
    some(random, 8, () => `${number()}!`),
    times(1 + random.below(3), number).join("."),
    some(random, 25, () => numbered(PHASES)),
    some(random, 20, () => random.pick([numbered(["post", "rev", "r"]), `-${number()}`])),
    some(random, 20, () => numbered(["dev"])),
    some(random, 12, () => `+${random.pick(LOCALS)}`),
    some(random, 3, () => random.pick([" ", "\n"])),
  ].join("");
}

const OPERATORS = ["~=", "==", "==", "!=", "<=", ">=", "<", ">", "==="];

function specifier(random: Random): string {
  const blank = () => some(random, 10, () => " ");
  const text = some(random, 20, () => ".*");
  return `${blank()}${random.pick(OPERATORS)}${blank()}${version(random).trim()}${text}${blank()}`;
}

const specifiers = (random: Random): string =>
  times(random.below(4), () => spoiled(random, specifier(random))).join(",");

const NAME_PARTS = ["a", "foo", "B2", "-", "_", ".", "é", "7", "--", "ſ"];
const NAMES = ["foo", "Foo.Bar", "a-b_c", "x1"];

const name = (random: Random): string =>
  random.below(2) === 0
    ? random.pick(NAMES)
    : times(random.below(5), () => random.pick(NAME_PARTS)).join("");

const VARIABLES = ["python_version", "os_name", "extra", "sys.platform", "platform_machine", "'x'"];

function marker(random: Random, depth = 0): string {
  if (depth < 3 && random.below(4) === 0) {
    const [left, right] = [marker(random, depth + 1), marker(random, depth + 1)];
    return `(${left} ${random.pick(["and", "or", "xor"])} ${right})`;
  }
  const operator = random.pick(["==", "<", ">=", "in", "not in", "not", "=", "!="]);
  return `${random.pick(VARIABLES)} ${operator} ${random.pick(['"3.9"', "'linux'", "os_name"])}`;
}

function requirement(random: Random): string {
  const extras = () => `[${times(random.below(3), () => random.pick(NAMES)).join(", ")}]`;
  const list = () => times(1 + random.below(2), () => specifier(random)).join(",");
  const source = random.pick([
    "",
    list(),
    ` ${list()}`,
    ` (${list()})`,
    " @ https://example.com/a-1.0.zip",
    "@file:///a;b",
  ]);
  const end = some(random, 30, () => `${random.pick([";", " ; ", " ;"])}${marker(random)}`);
  return `${random.pick(NAMES)}${some(random, 20, extras)}${source}${end}`;
}

function wheel(random: Random): string {
  const build = some(random, 20, () => `-${random.pick(["1", "2b", "b2", "3.x"])}`);
  const tags = random.pick([
    "py3-none-any",
    "py2.py3-none-any",
    "cp39-abi3-a.b",
    "3-x-y",
    "py3-any",
  ]);
  return `${name(random)}-${version(random).replaceAll("-", "_").trim()}${build}-${tags}.whl`;
}

const sdist = (random: Random): string =>
  `${name(random)}-${version(random).trim()}${random.pick([".tar.gz", ".zip"])}`;

const HEADERS = [
  "Name",
  "version",
  "Summary",
  "AUTHOR",
  "Home-page",
  "Requires-Python",
  "Classifier",
  "Classifier",
  "Requires-Dist",
  "Provides-Extra",
  "License-File",
  "X-Unknown",
];
const VALUES = ["", "a", "é ü", "UNKNOWN", "a\n  b", "x: y", " b \r\n\tc", "\u{1f40d}", "a\n \n b"];

function metadata(random: Random): Buffer {
  const end = random.pick(["\n", "\n", "\r\n"]);
  const lines = times(
    random.below(6),
    () => `${random.pick(HEADERS)}: ${random.pick(VALUES)}${end}`,
  );
  const version = random.pick(["2.4", "2.4", "9.9"]);
  const body = some(random, 50, () => `${end}${random.pick(["b", "é\n\nc: d\n", "\n", "a\r\nb"])}`);
  const text = Buffer.from(`Metadata-Version: ${version}${end}${lines.join("")}${body}`);
  if (random.below(10) > 0) return text;
  const at = random.below(text.length + 1);
  return Buffer.concat([
    text.subarray(0, at),
    random.bytes(1 + random.below(3)),
    text.subarray(at),
  ]);
}

const JUNK = " .-+!*_abz019\n\t,;()[]@'\"=<>~é\u0661ſ";

/** One text in eight gets, loses or changes a character. */
function spoiled(random: Random, text: string): string {
  if (random.below(8) > 0) return text;
  const at = random.below(text.length + 1);
  const junk = random.pick(["", random.pick([...JUNK])]);
  return text.slice(0, at) + junk + text.slice(at + random.below(2));
}
