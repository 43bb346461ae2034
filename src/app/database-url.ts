import { appErrors } from "./errors.ts";

type Parts = Readonly<Record<string, unknown>>;
type Databases = Readonly<Record<string, Parts>>;

/** Of `OPTIONS`, where the authority is not a file but its certificates themselves. */
const TLS_OPTIONS = ["sslmode", "sslrootcert"];

/** How a server is recognised whose authority stands in the settings. */
export interface DatabaseTls {
  /** PEM. */
  readonly ca: string;
  /** Whether its name has to be in the certificate, too. */
  readonly isNamed: boolean;
}

/** Undefined where `sslrootcert` is no certificate; then the address says all of it. */
export function databaseTls(databases: Databases): DatabaseTls | undefined {
  const { sslmode, sslrootcert } = (databases.default?.OPTIONS ?? {}) as Parts;
  const ca = text(sslrootcert);
  if (!ca.includes("-----BEGIN CERTIFICATE-----") || sslmode === "disable") return undefined;
  return { ca, isNamed: sslmode !== "require" && sslmode !== "verify-ca" };
}

/** `DATABASES["default"]` as a libpq address, without what `databaseTls` says. */
export function databaseUrl(databases: Databases): string {
  const { NAME, USER, PASSWORD, HOST, PORT, OPTIONS } = databases.default ?? {};
  const host = text(HOST) || process.env.PGHOST || "localhost";
  const isSocket = host.startsWith("/");
  const url = new URL("postgresql://localhost");
  url.hostname = isSocket ? "localhost" : host.includes(":") ? `[${host}]` : host;
  url.port = text(PORT);
  url.pathname = `/${encodeURIComponent(text(NAME) || "pulp")}`;
  const credentials = [text(USER) || "pulp", text(PASSWORD)].map(encodeURIComponent);
  const login = credentials[1] === "" ? credentials[0] : credentials.join(":");
  const hidden = databaseTls(databases) ? TLS_OPTIONS : [];
  for (const [name, value] of Object.entries((OPTIONS ?? {}) as Parts)) {
    if (isScalar(value) && !hidden.includes(name)) url.searchParams.set(name, String(value));
  }
  if (isSocket) url.searchParams.set("host", host);
  return url.href.replace("postgresql://", `postgresql://${login}@`);
}

/**
 * The reverse of `databaseUrl`.
 *
 * @throws `appErrors.databaseUrl`
 */
export function databasesOf(address: string): { readonly default: Record<string, unknown> } {
  const url = parsed(address);
  const { host, ...options } = Object.fromEntries(url.searchParams);
  const entries = {
    NAME: decodeURIComponent(url.pathname.slice(1)),
    USER: decodeURIComponent(url.username),
    PASSWORD: decodeURIComponent(url.password),
    HOST: host ?? url.hostname.replace(/^\[|\]$/g, ""),
    PORT: url.port,
  };
  const given = Object.entries(entries).filter(([, value]) => value !== "");
  const OPTIONS = Object.keys(options).length > 0 ? { OPTIONS: options } : {};
  return { default: { ...Object.fromEntries(given), ...OPTIONS } };
}

function parsed(address: string): URL {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url && ["postgres:", "postgresql:"].includes(url.protocol) && url.pathname.length > 1) {
    return url;
  }
  throw appErrors.databaseUrl();
}

const text = (value: unknown): string => (isScalar(value) ? String(value) : "");

const isScalar = (value: unknown): value is string | number | boolean =>
  ["string", "number", "boolean"].includes(typeof value);
