/** One attribute of a name: `CN=bot`. */
interface Attribute {
  /** In lower case, by its usual short name: `cn`. */
  readonly type: string;
  readonly value: string;
}

/** Other names of types of attributes (RFC 4514 §3, RFC 4519), in lower case. */
const TYPES: Readonly<Record<string, string>> = {
  "2.5.4.3": "cn",
  commonname: "cn",
  "2.5.4.5": "serialnumber",
  "2.5.4.6": "c",
  countryname: "c",
  "2.5.4.7": "l",
  localityname: "l",
  "2.5.4.8": "st",
  s: "st",
  stateorprovincename: "st",
  "2.5.4.9": "street",
  streetaddress: "street",
  "2.5.4.10": "o",
  organizationname: "o",
  "2.5.4.11": "ou",
  organizationalunitname: "ou",
  "0.9.2342.19200300.100.1.1": "uid",
  userid: "uid",
  "0.9.2342.19200300.100.1.25": "dc",
  domaincomponent: "dc",
  "1.2.840.113549.1.9.1": "emailaddress",
  email: "emailaddress",
  e: "emailaddress",
};

const TYPE = /^\s*(?:oid\.)?([a-z][a-z\d-]*|\d+(?:\.\d+)+)\s*=/i;
/** Where the next attribute of a slash form begins: values may have slashes of their own. */
const SLASH = /\/(?=\s*(?:[a-z][a-z\d-]*|\d+(?:\.\d+)+)\s*=|\*(?:\/|$))/i;

/**
 * A text that two spellings of a name have in common exactly if they are the same name: the one with
 * slashes, which begins at the root, and that of RFC 4514, which ends there. Types and values are
 * compared without case, and white space counts once.
 *
 * @returns `/o=example/cn=bot`; undefined for what is no name. An attribute that is only a `*` stays,
 *   so that patterns of names are read in the same way.
 * @see RFC 4514 §2 and §3; RFC 5280 §7.1.
 */
export function canonicalDn(text: string): string | undefined {
  const given = text.trim();
  const levels = given.startsWith("/")
    ? given.split(SLASH).slice(1)
    : split(given, ",").toReversed();
  if (given === "" || levels.length === 0) return undefined;
  const shown = levels.map(levelKey);
  return shown.includes(undefined) ? undefined : `/${shown.join("/")}`;
}

/** One level of the name, whose attributes have no order. */
function levelKey(level: string): string | undefined {
  if (level.trim() === "*") return "*";
  const attributes = split(level, "+").map(attributeIn);
  const known = attributes.filter((one) => one !== undefined);
  if (known.length < attributes.length) return undefined;
  return known
    .map(({ type, value }) => `${type}=${value.replace(/[\\/+]/g, "\\$&")}`)
    .sort()
    .join("+");
}

function attributeIn(text: string): Attribute | undefined {
  const found = TYPE.exec(text);
  if (!found) return undefined;
  const type = (found[1] ?? "").toLowerCase();
  const value = plainValue(text.slice(found[0].length));
  const key = value?.normalize("NFKC").toLowerCase().replace(/\s+/g, " ").trim();
  return key === undefined ? undefined : { type: TYPES[type] ?? type, value: key };
}

/** Splits where a separator stands before the next attribute, and not inside a value. */
function split(text: string, separator: "," | "+"): string[] {
  const parts: string[] = [];
  let start = 0;
  let isQuoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const one = text[at];
    if (one === "\\") at += 1;
    else if (one === '"') isQuoted = !isQuoted;
    else if (one === separator && !isQuoted && beginsAttribute(text.slice(at + 1, at + 200))) {
      parts.push(text.slice(start, at));
      start = at + 1;
    }
  }
  return [...parts, text.slice(start)];
}

const beginsAttribute = (rest: string): boolean => TYPE.test(rest) || /^\s*\*\s*(,|$)/.test(rest);

/** The value without its quotes and escapes; undefined where these are broken. */
function plainValue(text: string): string | undefined {
  const trimmed = text.trim();
  const isQuoted = trimmed.length >= 2 && trimmed.startsWith('"') && trimmed.endsWith('"');
  const inner = isQuoted ? trimmed.slice(1, -1) : text.trimStart();
  const bytes: Buffer[] = [];
  for (const [piece] of inner.matchAll(/\\[\da-f]{2}|\\.|[^\\]+|\\$/gis)) {
    if (piece === "\\") return undefined;
    const hex = /^\\([\da-f]{2})$/i.exec(piece)?.[1];
    bytes.push(hex ? Buffer.from(hex, "hex") : Buffer.from(piece.replace(/^\\(.)/s, "$1")));
  }
  const value = Buffer.concat(bytes).toString();
  return value.includes("\0") ? undefined : value;
}

/**
 * Whether a name fits a pattern, both canonical; `*` stands for anything. Takes time in proportion to
 * the product of their lengths at most.
 */
export function fitsDn(pattern: string, name: string): boolean {
  let [at, place] = [0, 0];
  let [star, mark] = [-1, 0];
  while (place < name.length) {
    if (pattern[at] === "*") {
      star = at;
      mark = place;
      at += 1;
    } else if (pattern[at] === name[place]) {
      at += 1;
      place += 1;
    } else if (star >= 0) {
      at = star + 1;
      mark += 1;
      place = mark;
    } else return false;
  }
  return /^\**$/.test(pattern.slice(at));
}
