import { operatorErrors } from "../errors.ts";
import type { TokenEndpoint } from "./oauth2.ts";

interface Flow {
  readonly tokenUrl?: string;
  readonly scopes?: Readonly<Record<string, unknown>>;
}

interface Description {
  readonly components?: {
    readonly securitySchemes?: Readonly<
      Record<string, { readonly flows?: { readonly clientCredentials?: Flow } }>
    >;
  };
}

/**
 * Finds in the description of an API where tokens for client credentials come from, as `pulp-cli` does.
 *
 * @param address of the description
 * @throws `operatorErrors.token` if it names nothing, or would have the secret sent in the clear
 */
export function tokenEndpoint(address: URL, text: string): TokenEndpoint {
  const schemes = Object.values(parsed(address, text).components?.securitySchemes ?? {});
  const flow = schemes.map(({ flows }) => flows?.clientCredentials).find(Boolean);
  if (typeof flow?.tokenUrl !== "string") {
    throw operatorErrors.token(address.href, "it names no issuer; give --token-url");
  }
  const url = URL.canParse(flow.tokenUrl, address.href) && new URL(flow.tokenUrl, address);
  if (!url || (url.protocol !== "https:" && url.protocol !== address.protocol)) {
    throw operatorErrors.token(flow.tokenUrl, "the server names it, but it is not https");
  }
  const scope = Object.keys(flow.scopes ?? {}).join(" ");
  return { tokenUrl: url.href, ...(scope === "" ? {} : { scope }) };
}

function parsed(address: URL, text: string): Description {
  try {
    return JSON.parse(text) as Description;
  } catch {
    throw operatorErrors.nonsense(address.href, "it is not JSON");
  }
}
