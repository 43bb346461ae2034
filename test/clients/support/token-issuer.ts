import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

/** A single sign-on for programs: it gives tokens for client credentials, and knows whose they are. */
export interface TokenIssuer extends AsyncDisposable {
  /** Where clients get tokens. */
  readonly tokenUrl: string;
  /** Where a gateway asks whose a token is. */
  readonly whoami: string;
  /** The form of each request that got a token. */
  readonly given: URLSearchParams[];
  /** How many requests a token is good for before it has expired, whatever the client was told. */
  usesOfToken: number;
}

/** @param clients value of the identity header by `client_id:client_secret`. */
export async function startTokenIssuer(clients: ReadonlyMap<string, string>): Promise<TokenIssuer> {
  const tokens = new Map<string, { readonly identity: string; usesLeft: number }>();
  const server = createServer((request, response) => {
    if (request.url === "/token" && request.method === "POST") giveToken(request, response);
    else tellWhose(request, response);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const issuer: TokenIssuer = {
    tokenUrl: `${url}/token`,
    whoami: `${url}/whoami`,
    given: [],
    usesOfToken: Number.POSITIVE_INFINITY,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };

  async function giveToken(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const form = new URLSearchParams(await text(request));
    const basic = credentialsIn(request, "Basic");
    const identity = clients.get(Buffer.from(basic ?? "", "base64").toString());
    const isRight = form.get("grant_type") === "client_credentials";
    if (identity === undefined || !isRight) {
      return send(response, 401, { error: "invalid_client" });
    }
    const token = randomUUID();
    tokens.set(token, { identity, usesLeft: issuer.usesOfToken });
    issuer.given.push(form);
    send(response, 200, { access_token: token, token_type: "Bearer", expires_in: 300 });
  }

  /** Who shows nothing is a stranger, whom the service itself lets in or not. */
  function tellWhose(request: IncomingMessage, response: ServerResponse): void {
    if (request.headers.authorization === undefined) return void response.writeHead(204).end();
    const known = tokens.get(credentialsIn(request, "Bearer") ?? "");
    if (known === undefined || known.usesLeft === 0) return void response.writeHead(401).end();
    known.usesLeft -= 1;
    response.writeHead(204, { "x-rh-identity": known.identity }).end();
  }
  return issuer;
}

const credentialsIn = ({ headers }: IncomingMessage, scheme: string): string | undefined =>
  headers.authorization?.startsWith(`${scheme} `)
    ? headers.authorization.slice(scheme.length + 1)
    : undefined;

const send = (response: ServerResponse, status: number, value: object): void =>
  void response
    .writeHead(status, { "content-type": "application/json" })
    .end(JSON.stringify(value));
