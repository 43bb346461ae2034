/** One way in which an upstream lets itself be asked (RFC 9110, `WWW-Authenticate`). */
export interface Challenge {
  /** Lower case. */
  readonly scheme: string;
  /** Names in lower case; the last one of a name counts. */
  readonly parameters: Readonly<Record<string, string>>;
}

/** Characters of a header that is looked at. */
const MOST_CHARACTERS = 8192;

const PIECE =
  /\s*(?:([!#$%&'*+.^_`|~\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))|([\w-]+)(?=\s|,|$))\s*,?/gy;

/**
 * Reads the challenges of a header, which may name several: `Bearer realm="…",service="…", Basic
 * realm="…"`. What is behind a piece that cannot be read is left out.
 */
export function readChallenges(header: string): Challenge[] {
  const challenges: { scheme: string; parameters: Record<string, string> }[] = [];
  for (const piece of header.slice(0, MOST_CHARACTERS).matchAll(PIECE)) {
    const [, name, quoted, plain, scheme] = piece;
    if (scheme !== undefined) challenges.push({ scheme: scheme.toLowerCase(), parameters: {} });
    const last = challenges.at(-1);
    if (name !== undefined && last)
      last.parameters[name.toLowerCase()] = quoted?.replace(/\\(.)/g, "$1") ?? plain ?? "";
  }
  return challenges;
}

/** What a token is asked for with. */
export interface TokenQuestion {
  /** Absolute address of the token server. */
  readonly realm: string;
  readonly service: string;
  readonly scope: string;
}

/**
 * The question that a challenge asks for, or undefined if none of them is a usable `Bearer`.
 *
 * @param url that was asked: a realm may be relative to it.
 * @param scope if the challenge names none.
 */
export function tokenQuestion(
  challenges: readonly Challenge[],
  { url, scope }: { readonly url: string; readonly scope: string },
): TokenQuestion | undefined {
  const bearer = challenges.find((each) => each.scheme === "bearer");
  const realm = bearer?.parameters.realm;
  if (!bearer || realm === undefined || !URL.canParse(realm, url)) return undefined;
  return {
    realm: new URL(realm, url).href,
    service: bearer.parameters.service ?? "",
    scope: bearer.parameters.scope ?? scope,
  };
}

/** The address that answers a token question. */
export function tokenUrl({ realm, service, scope }: TokenQuestion): string {
  const url = new URL(realm);
  if (service !== "") url.searchParams.set("service", service);
  // Several scopes are one parameter each: not every server splits them.
  for (const each of scope.split(" ")) if (each !== "") url.searchParams.append("scope", each);
  return url.href;
}

/**
 * Whether the password of a remote may go to a token server: never in plain text when the registry
 * itself is spoken to encrypted.
 */
export const mayHaveCredentials = (registryUrl: string, realm: string): boolean =>
  new URL(realm).protocol === "https:" || new URL(registryUrl).protocol === "http:";
