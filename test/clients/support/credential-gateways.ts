import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Identity } from "../../support/certificates.ts";
import {
  type GatewayTarget,
  gatewayDoors,
  globalPart,
  type Nginx,
  runNginx,
  temporary,
} from "../../support/nginx.ts";
import { freePort } from "../../support/server.ts";

type Gateway = Pick<Nginx, "url"> & AsyncDisposable;

export interface CertificateGatewayOptions extends GatewayTarget {
  /** What it shows itself with. */
  readonly own: Identity;
  /** Has issued the certificates of clients; no others are let in. */
  readonly authority: Identity;
  /** Value of the identity header by the subject of a certificate, as nginx writes it: `CN=bot`. */
  readonly identities: ReadonlyMap<string, string>;
}

/** A gateway that ends TLS, insists on a certificate, and says in the header whose it is. */
export async function startCertificateGateway({
  own,
  authority,
  identities,
  ...target
}: CertificateGatewayOptions): Promise<Gateway> {
  const port = await freePort();
  const rows = [...identities].map(([subject, identity]) => `"${subject}" "${identity}";`);
  return started("https", port, async (home) => {
    await writeFile(join(home, "own.pem"), own.cert);
    await writeFile(join(home, "own.key"), own.key);
    await writeFile(join(home, "clients.pem"), authority.cert);
    return `
${globalPart(home)}
http {
  access_log off;
  ${temporary(home)}
  map_hash_bucket_size 1024;
  map $ssl_client_s_dn $identity {
    default "";
    ${rows.join("\n    ")}
  }
  server {
    listen 127.0.0.1:${port} ssl;
    ssl_certificate ${home}/own.pem;
    ssl_certificate_key ${home}/own.key;
    ssl_client_certificate ${home}/clients.pem;
    ssl_verify_client on;
    proxy_set_header X-Forwarded-Proto $scheme;
    ${gatewayDoors(target)}
  }
}
`;
  });
}

export interface TokenGatewayOptions extends GatewayTarget {
  /** Answers who a token stands for, as `X-RH-IDENTITY`, and 401 for one that is not good. */
  readonly whoami: string;
}

/** A gateway that takes the token of a client to those who know it, and passes on what they say. */
export async function startTokenGateway({
  whoami,
  ...target
}: TokenGatewayOptions): Promise<Gateway> {
  const port = await freePort();
  return started(
    "http",
    port,
    (home) => `
${globalPart(home)}
http {
  access_log off;
  ${temporary(home)}
  server {
    listen 127.0.0.1:${port};
    auth_request /whoami;
    auth_request_set $identity $upstream_http_x_rh_identity;
    location = /whoami {
      internal;
      proxy_pass ${whoami};
      proxy_pass_request_body off;
      proxy_set_header Content-Length "";
      proxy_set_header Authorization $http_authorization;
    }
    ${gatewayDoors(target)}
  }
}
`,
  );
}

async function started(
  scheme: "http" | "https",
  port: number,
  configure: (home: string) => string | Promise<string>,
): Promise<Gateway> {
  const running = await runNginx(port, configure);
  return {
    url: `${scheme}://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  };
}
