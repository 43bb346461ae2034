import { lenientBase64 } from "#base/lenient-base64.ts";
import type { Ctx } from "#core/ctx.ts";
import type { AuthenticationClass, SecurityScheme } from "./authentication.ts";
import { authErrors } from "./errors.ts";
import { headerOfVariable, proxyHeader, utf8 } from "./proxies.ts";
import { remoteUsers } from "./remote-users.ts";

const CLASS = "pulpcore.app.authentication.JSONHeaderRemoteAuthentication";

/** The user's name inside JSON that a gateway sends as Base64 in a header (core-rest §5). */
export const jsonHeaderAuthentication: AuthenticationClass = {
  name: "json_header",
  identifiers: [CLASS],
  scheme: jsonHeaderScheme,
  problem: ({
    AUTHENTICATION_JSON_HEADER: header,
    AUTHENTICATION_JSON_HEADER_JQ_FILTER: filter,
  }) =>
    header.length > "HTTP_".length && filter !== ""
      ? undefined
      : `${CLASS} needs AUTHENTICATION_JSON_HEADER and AUTHENTICATION_JSON_HEADER_JQ_FILTER.`,
  open(ctx) {
    const header = headerOfVariable(ctx.settings.AUTHENTICATION_JSON_HEADER) ?? "";
    const valueIn = proxyHeader(ctx.settings, header);
    const nameIn = nameReader(ctx);
    const identityOf = remoteUsers(ctx);
    return async (request) => {
      const value = valueIn(request);
      const name = value === undefined ? "" : await nameIn(value);
      return name === "" ? undefined : identityOf(name, request);
    };
  },
};

/** How clients get past the gateway; nothing is advertised that the operator has not described. */
export function jsonHeaderScheme({
  AUTHENTICATION_JSON_HEADER_OPENAPI_SECURITY_SCHEME: value,
}: Ctx["settings"]): SecurityScheme | undefined {
  return Object.keys(value).length > 0
    ? { name: "json_header_remote_authentication", value }
    : undefined;
}

/** Larger headers are refused unread; those of gateways have a few hundred bytes. */
const MAX_HEADER = 16_384;

/** Name in a header's value; empty if there is none. */
function nameReader({
  jq,
  log,
  settings: { AUTHENTICATION_JSON_HEADER_JQ_FILTER: filter },
}: Ctx): (value: string) => Promise<string> {
  return async (value) => {
    const bytes = value.length > MAX_HEADER ? undefined : lenientBase64(value);
    if (bytes === undefined) throw authErrors.denied();
    const text = utf8(bytes);
    if (text === undefined || !isJsonObject(text)) throw authErrors.deniedJson();
    const found = await jq.first(filter, text);
    if (found.kind === "failed") {
      log.warn(`AUTHENTICATION_JSON_HEADER_JQ_FILTER failed on a header: ${found.why}.`);
      throw authErrors.deniedJson();
    }
    return found.kind === "empty" ? "" : nameOf(found.value);
  };
}

/** What is false or empty is no name; numbers are names as they are written. */
function nameOf(value: unknown): string {
  if (value === null || value === false || value === 0) return "";
  if (typeof value === "string") return value;
  if (typeof value === "number") return String(value);
  throw authErrors.denied();
}

function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}
