import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { parse } from "smol-toml";
import { appErrors } from "#app/errors.ts";
import type { Flags } from "#app/flags.ts";
import { operatorErrors } from "../errors.ts";
import type { Options } from "../tool.ts";
import { type Login, netrcLogin } from "./netrc.ts";
import type { ClientCredentials } from "./oauth2.ts";

/** How a server is reached, and as whom. */
export interface Connection {
  /** Scheme, host and port. */
  readonly origin: string;
  /** With a slash at both ends: `/api/pulp/`. */
  readonly apiRoot: string;
  readonly login?: Login;
  readonly oauth2?: ClientCredentials;
  /** Sent with every request. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** PEM. */
  readonly tls: { readonly cert?: string; readonly key?: string; readonly ca?: string };
  readonly verifiesTls: boolean;
  /** Of one request. */
  readonly timeoutMs: number;
}

const text = { type: "string" } as const;

/** Flags of every tool that speaks to a server. */
export const connectionOptions = {
  ...{ config: text, profile: text, "base-url": text, "api-root": text },
  ...{ user: text, password: text, cert: text, key: text, "ca-cert": text },
  ...{ "verify-ssl": { type: "boolean" }, "token-url": text, scope: text },
} satisfies Options;

export const connectionUsage =
  "[--config FILE] [--profile NAME] [--base-url URL] [--api-root PATH] [--user NAME]";

export const connectionHelp: readonly string[] = [
  "",
  "The server and the credentials come from the flags, else from a profile of the settings of",
  "pulp-cli (base_url, api_root, username, password, cert, key, verify_ssl, headers, timeout, or",
  "client_id and client_secret for OAuth2), else the login from ~/.netrc or the file that NETRC names:",
  "  --config FILE       that file; ~/.config/pulp/cli.toml",
  "  --profile NAME      its table [NAME] or [cli-NAME]; cli",
  "  --base-url URL      scheme, host and port; of a profile for another server nothing is used then",
  "  --api-root PATH     /pulp/, of the hosted service /api/pulp/",
  "  --user NAME         with --password, or the variable DECKLE_OPERATOR_PASSWORD, which no list of",
  "                      processes shows",
  "  --cert, --key FILE  a client certificate; --ca-cert FILE trusts one more authority",
  "  --no-verify-ssl     believes any certificate of the server",
  "  --token-url URL, --scope TEXT  of the issuer of tokens; else what the API description names",
];

type Environment = Readonly<Record<string, string | undefined>>;

interface Profile {
  readonly file: string;
  readonly values: Readonly<Record<string, unknown>>;
}

/**
 * Puts flags, profile and `.netrc` together, in this order of rank.
 *
 * @throws `appErrors.usage`, `operatorErrors.profile` or `operatorErrors.file`
 */
export async function connectionOf(
  { text: flags, on }: Flags,
  environment: Environment,
): Promise<Connection> {
  const profile = forServer(
    await readProfile(flags.config, flags.profile, flags["base-url"] !== undefined),
    flags["base-url"],
  );
  const of = (name: string): string | undefined => textOf(profile, name);
  const given = flags["base-url"] ?? of("base_url");
  if (given === undefined) {
    throw appErrors.usage(`Which server? Give --base-url, or base_url in ${profile.file}.`);
  }
  const base = httpUrl(given);
  const [cert, key] = [flags.cert ?? of("cert"), flags.key ?? of("key")];
  const oauth2 = flags.user === undefined ? credentialsOf(profile, flags) : undefined;
  const login = oauth2 ? undefined : await loginOf({ flags, profile, base, environment });
  return {
    origin: base.origin,
    apiRoot: slashed(flags["api-root"] ?? of("api_root") ?? "/pulp/"),
    ...(login ? { login } : {}),
    ...(oauth2 ? { oauth2 } : {}),
    headers: headersOf(profile),
    tls: {
      ...(cert ? { cert: await pem(cert) } : {}),
      ...(cert ? { key: await pem(key ?? cert) } : {}),
      ...(flags["ca-cert"] ? { ca: await pem(flags["ca-cert"]) } : {}),
    },
    verifiesTls: on["verify-ssl"] ?? profile.values.verify_ssl !== false,
    timeoutMs: timeoutOf(profile),
  };
}

const slashed = (path: string): string => `/${path}/`.replaceAll(/\/{2,}/g, "/");

function httpUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url && /^https?:$/.test(url.protocol)) return url;
  throw appErrors.usage(`An address must be http(s)://host[:port], not '${text}'.`);
}

async function readProfile(
  config: string | undefined,
  name = "cli",
  isOptional: boolean,
): Promise<Profile> {
  const file = config ?? join(homedir(), ".config", "pulp", "cli.toml");
  const content = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" && config === undefined) return undefined;
    throw operatorErrors.profile(file, error.code ?? error.message);
  });
  if (content === undefined) return { file, values: {} };
  const tables = parsedToml(file, content);
  const found = tables[name] ?? tables[`cli-${name}`];
  if (typeof found === "object" && found !== null) return { file, values: { ...found } };
  if (isOptional && name === "cli") return { file, values: {} };
  throw operatorErrors.profile(file, `it has no table [${name}] or [cli-${name}]`);
}

/** What a profile holds besides is meant for its own server, and not for another that a flag names. */
function forServer(profile: Profile, asked: string | undefined): Profile {
  const own = textOf(profile, "base_url");
  if (asked === undefined || own === undefined) return profile;
  return httpUrl(own).origin === httpUrl(asked).origin ? profile : { ...profile, values: {} };
}

function parsedToml(file: string, content: string): Readonly<Record<string, unknown>> {
  try {
    return parse(content);
  } catch (error) {
    // The rest of the message shows lines of the file, and with them passwords.
    const [reason = ""] = (error as Error).message.split("\n");
    throw operatorErrors.profile(file, reason);
  }
}

function textOf({ file, values }: Profile, name: string): string | undefined {
  const value = values[name];
  if (value === undefined || value === "") return undefined;
  if (typeof value === "string") return value;
  throw operatorErrors.profile(file, `${name} must be a text`);
}

function timeoutOf({ file, values: { timeout = 0 } }: Profile): number {
  if (typeof timeout !== "number" || timeout < 0) {
    throw operatorErrors.profile(file, "timeout must be a number of seconds");
  }
  return timeout === 0 ? DEFAULT_TIMEOUT_MS : timeout * 1000;
}

const DEFAULT_TIMEOUT_MS = 120_000;

/** `name:value`, as pulp-cli has them. */
function headersOf({ file, values: { headers = [] } }: Profile): Connection["headers"] {
  const lines: readonly unknown[] = Array.isArray(headers) ? headers : [headers];
  return lines.map((line) => {
    const [, name, value] = /^([\w!#$%&'*+.^`|~-]+):\s*([^\r\n]*)$/.exec(String(line)) ?? [];
    if (name === undefined || value === undefined) {
      throw operatorErrors.profile(file, "each of headers must be name:value");
    }
    return [name, value] as const;
  });
}

function credentialsOf(profile: Profile, flags: Flags["text"]): ClientCredentials | undefined {
  const [clientId, clientSecret] = ["client_id", "client_secret"].map((n) => textOf(profile, n));
  if (clientId === undefined || clientSecret === undefined) return undefined;
  const { "token-url": tokenUrl, scope } = flags;
  return {
    ...{ clientId, clientSecret },
    ...(tokenUrl === undefined ? {} : { tokenUrl: httpUrl(tokenUrl).href }),
    ...(scope === undefined ? {} : { scope }),
  };
}

async function loginOf(from: {
  readonly flags: Flags["text"];
  readonly profile: Profile;
  readonly base: URL;
  readonly environment: Environment;
}): Promise<Login | undefined> {
  const { flags, profile, base, environment } = from;
  const username = flags.user ?? textOf(profile, "username");
  const password =
    flags.password ??
    environment.DECKLE_OPERATOR_PASSWORD ??
    (flags.user === undefined ? textOf(profile, "password") : undefined);
  if (username !== undefined && password !== undefined) return { username, password };
  const known = netrcLogin(await netrcText(environment), base.hostname);
  if (username === undefined || known?.username === username) return known;
  throw appErrors.usage(`The user ${username} has no password: give --password, or use ~/.netrc.`);
}

async function netrcText({ NETRC, HOME }: Environment): Promise<string> {
  const file = NETRC ?? join(HOME ?? homedir(), ".netrc");
  return readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" && NETRC === undefined) return "";
    throw operatorErrors.file(file, error.code ?? error.message);
  });
}

const pem = (file: string): Promise<string> =>
  readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw operatorErrors.file(file, error.code ?? error.message);
  });
