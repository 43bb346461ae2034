import { createSecureContext, getCACertificates, type SecureContext } from "node:tls";
import { Agent, buildConnector, type Dispatcher, ProxyAgent } from "undici";
import { shownUrl } from "#base/shown-url.ts";
import type { AddressPolicy } from "./address-policy.ts";
import { httpErrors } from "./errors.ts";
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
  const plain = {
    lookup: guardedLookup(policy),
    timeout: options.connectTimeoutMs,
    allowH2: false,
    rejectUnauthorized: options.tlsValidation,
  };
  const pool = {
    headersTimeout: options.readTimeoutMs ?? 0,
    bodyTimeout: options.readTimeoutMs ?? 0,
    maxHeaderSize: MAX_HEADER_BYTES,
    connections: options.concurrency,
    allowH2: false,
  };
  const secure = () => ({ ...plain, secureContext: secureContext(options, withClientCert) });
  if (options.proxy === undefined)
    return new Agent({ ...pool, connect: lazyConnector(buildConnector(plain), secure) });
  // Other proxies would resolve and connect past the guard.
  if (!/^https?:\/\//i.test(options.proxy.url))
    throw httpErrors.scheme(shownUrl(options.proxy.url));
  return new ProxyAgent({
    ...pool,
    uri: options.proxy.url,
    ...proxyToken(options.proxy),
    proxyTls: { ...plain, secureContext: secureContext(options, false) },
    requestTls: secure(),
    connectTimeout: options.connectTimeoutMs,
  });
}

/** Reads certificates at the first TLS connection: that takes a while, and http needs none. */
function lazyConnector(
  plain: buildConnector.connector,
  secureOptions: () => buildConnector.BuildOptions,
): buildConnector.connector {
  let secure: buildConnector.connector | undefined;
  return (target, done) => {
    if (target.protocol !== "https:") return plain(target, done);
    try {
      secure ??= buildConnector(secureOptions());
    } catch (error) {
      return done(error instanceof Error ? error : new Error(String(error)), null);
    }
    return secure(target, done);
  };
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
