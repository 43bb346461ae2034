/** Who logs in at a host. */
export interface Login {
  readonly username: string;
  readonly password: string;
}

const VALUES = new Set(["login", "password", "account"]);

/**
 * Looks a host up in the text of a `.netrc`: the first `machine` of that name, else `default`.
 *
 * @param host without a port
 * @returns undefined if neither is there, or has no login or no password
 */
export function netrcLogin(text: string, host: string): Login | undefined {
  let found: Map<string, string> | undefined;
  const words = netrcWords(text)[Symbol.iterator]();
  const next = (): string => words.next().value ?? "";
  for (let word = next(); word !== ""; word = next()) {
    const starts = word === "machine" || word === "default";
    if (starts && found) break;
    if (word === "default" || (word === "machine" && next() === host)) found = new Map();
    else if (VALUES.has(word)) found?.set(word, next());
  }
  const [username, password] = [found?.get("login"), found?.get("password")];
  return username && password !== undefined ? { username, password } : undefined;
}

/** Words without comments, and without the bodies of macros, which end at an empty line. */
function netrcWords(text: string): readonly string[] {
  const plain = text
    .replaceAll("\r\n", "\n")
    .replaceAll(/^\s*macdef\b[^\n]*\n(?:[^\n]+\n?)*/gm, "\n")
    .replaceAll(/^\s*#[^\n]*$/gm, "");
  return [...plain.matchAll(/"((?:[^"\\]|\\.)*)"|\S+/g)].map(([whole, quoted]) =>
    quoted === undefined ? whole : quoted.replaceAll(/\\(.)/g, "$1"),
  );
}
