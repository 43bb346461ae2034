import { generateKeyPairSync, verify } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";

/** A network of edges before a bucket: it lets in who shows its signature, and nobody else. */
export interface Cdn extends AsyncDisposable {
  /** Options of a store that sends its clients here (core-content §2.3). */
  readonly options: Readonly<Record<string, string>>;
  /** `127.0.0.1:port` */
  readonly host: string;
  /** Looks at the signature of an address. */
  admits(address: string): boolean;
}

const KEY_ID = "KEDGE";

/** @param origin address of the bucket; it has to let everybody read. */
export async function startCdn(origin: string): Promise<Cdn> {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const admits = (address: string): boolean => {
    const url = new URL(address);
    const [expires, signature, key] = ["Expires", "Signature", "Key-Pair-Id"].map((name) => {
      const value = url.searchParams.get(name) ?? "";
      url.searchParams.delete(name);
      return value;
    });
    // What is signed is the address as it was sent, without the three.
    const resource = address.replace(/[?&]Expires=.*$/, "");
    const time = { "AWS:EpochTime": Number(expires) };
    const statement = { Resource: resource, Condition: { DateLessThan: time } };
    const policy = JSON.stringify({ Statement: [statement] });
    const bytes = Buffer.from(fromCloudFront(signature ?? ""), "base64");
    const isSigned = verify("sha1", Buffer.from(policy), publicKey, bytes);
    return isSigned && key === KEY_ID && Number(expires) * 1000 > Date.now();
  };
  const server = createServer((incoming, response) => {
    const address = `http://${incoming.headers.host}${incoming.url}`;
    if (!admits(address)) return void response.writeHead(403).end();
    fetchFrom(origin, incoming).then(
      async (answer) => {
        const { searchParams } = new URL(address);
        response.writeHead(answer.status, {
          "content-length": answer.headers.get("content-length") ?? "0",
          // Names in another case mean nothing here.
          ...headerOf(searchParams, "content-disposition"),
          ...headerOf(searchParams, "content-type"),
        });
        response.end(Buffer.from(await answer.arrayBuffer()));
      },
      () => response.destroy(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const cloudfront_key = privateKey.export({ type: "pkcs1", format: "pem" }).toString();
  return {
    host,
    admits,
    options: {
      ...{ custom_domain: host, url_protocol: "http:" },
      ...{ cloudfront_key_id: KEY_ID, cloudfront_key },
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

const fetchFrom = (origin: string, { method = "GET", url = "/" }: IncomingMessage) =>
  fetch(`${origin}${url.split("?")[0]}`, { method });

const headerOf = (query: URLSearchParams, name: string): Record<string, string> => {
  const value = query.get(`response-${name}`);
  return value === null ? {} : { [name]: value };
};

const fromCloudFront = (text: string): string =>
  text.replaceAll("-", "+").replaceAll("_", "=").replaceAll("~", "/");
