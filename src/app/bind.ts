import { appErrors } from "./errors.ts";

/** Where a server listens. */
export type Bind = { readonly host: string; readonly port: number } | { readonly path: string };

/**
 * Reads `host:port`, `[::1]:port`, `:port`, `port` or `unix:/path`.
 *
 * @throws `appErrors.bind`
 */
export function parseBind(text: string): Bind {
  if (text.startsWith("unix:")) return { path: text.slice("unix:".length) };
  const [, host, port] = /^(?:(\[[\da-fA-F:.%\w]+\]|[^:[\]]*):)?(\d{1,5})$/.exec(text) ?? [];
  if (port === undefined || Number(port) > 65_535) throw appErrors.bind(text);
  return { host: host?.replace(/^\[|\]$/g, "") || anyHost, port: Number(port) };
}

/** All addresses: Node takes IPv6 with IPv4 mapped, or IPv4 alone where there is no IPv6. */
const anyHost = "::";

/** `http://127.0.0.1:24816`; a wildcard becomes the name of this machine. */
export function originOf(bind: Bind, hostname: string): string | null {
  if ("path" in bind) return null;
  const host = ["0.0.0.0", "::"].includes(bind.host) ? hostname : bind.host;
  return `http://${host.includes(":") ? `[${host}]` : host}:${bind.port}`;
}

/** As a person writes it. */
export const bindText = (bind: Bind): string => {
  if ("path" in bind) return `unix:${bind.path}`;
  return `${bind.host.includes(":") ? `[${bind.host}]` : bind.host}:${bind.port}`;
};
