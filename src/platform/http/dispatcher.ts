import { createSecureContext, getCACertificates, type SecureContext } from "node:tls";
import { Agent, type Dispatcher, ProxyAgent } from "undici";
import type { AddressPolicy } from "./address-policy.ts";
import { guardedLookup } from "./guard.ts";
import type { HttpOptions } from "./http.ts";

/** Largest head of an answer. */
const MAX_HEADER_BYTES = 64 * 1024;

/** Authorities of the runtime and of the system; read once, since that takes a while. */
let trusted: readonly string[] | undefined;
function trustedCertificates(): readonly string[] {
  trusted ??= [...new Set([...getCACertificates("default"), ...getCACertificates("system")])];
  return trusted;
}

/** The connections of one client to home, or, without its certificate, to anywhere else. */
export function createDispatcher(
  options: HttpOptions,
  policy: AddressPolicy,
  withClientCert: boolean,
): Dispatcher {
  const connection = {
    lookup: guardedLookup(policy),
    timeout: options.connectTimeoutMs,
    allowH2: false,
  };
  const tls = { ...connection, rejectUnauthorized: options.tlsValidation };
  const lazyTls = withLazyContext(tls, () => secureContext(options, withClientCert));
  const pool = {
    // Read per request, so that one setting holds for direct and proxied connections.
    headersTimeout: options.readTimeoutMs ?? 0,
    bodyTimeout: options.readTimeoutMs ?? 0,
    maxHeaderSize: MAX_HEADER_BYTES,
    connections: options.concurrency,
    allowH2: false,
  };
  if (options.proxy === undefined) return new Agent({ ...pool, connect: lazyTls });
  return new ProxyAgent({
    ...pool,
    uri: options.proxy.url,
    ...proxyToken(options.proxy),
    proxyTls: withLazyContext(tls, () => secureContext(options, false)),
    requestTls: lazyTls,
    connectTimeout: options.connectTimeoutMs,
  });
}

/** Makes the TLS context at the first TLS connection and shares it with all later ones. */
function withLazyContext<Options extends object>(options: Options, make: () => SecureContext) {
  let context: SecureContext | undefined;
  return Object.defineProperty({ ...options }, "secureContext", {
    enumerable: true,
    get: () => {
      context ??= make();
      return context;
    },
  }) as Options;
}

function secureContext(options: HttpOptions, withClientCert: boolean): SecureContext {
  const pair = withClientCert && options.clientCert !== undefined;
  return createSecureContext({
    ca: [...trustedCertificates(), ...(options.caCert === undefined ? [] : [options.caCert])],
    ...(pair ? { cert: options.clientCert, key: options.clientKey ?? options.clientCert } : {}),
  });
}

function proxyToken(proxy: NonNullable<HttpOptions["proxy"]>): { token?: string } {
  if (proxy.username === undefined) return {};
  const pair = `${proxy.username}:${proxy.password ?? ""}`;
  return { token: `Basic ${Buffer.from(pair).toString("base64")}` };
}
