import type { JsonObject } from "#base/json.ts";

/** Options of a store in a registry of OCI images (service §16), each in our form. */
export interface OciOptions {
  /** Host, with a port where it is not that of the scheme. */
  readonly registry: string;
  /** `https://registry`; plain http on the loopback interface, as clients of registries have it. */
  readonly origin: string;
  /** `organisation/name` */
  readonly repository: string;
  readonly username: string;
  readonly password: string;
}

const LOOPBACK = /^(?:localhost|127(?:\.\d+){3}|\[::1\])(?::\d+)?$/;

/** Reads options that `core/domains/rules.ts`, or the check of the setting, has found to be right. */
export function ociOptions(options: JsonObject): OciOptions {
  const registry = String(options.registry);
  return {
    registry,
    origin: `${LOOPBACK.test(registry) ? "http" : "https"}://${registry}`,
    repository: String(options.repository),
    username: String(options.username),
    password: String(options.password),
  };
}
