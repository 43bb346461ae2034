import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { freePort } from "./server.ts";

/** One nginx worker that serves a folder on loopback, and writes down what it was asked. */
export interface Nginx extends AsyncDisposable {
  readonly url: string;
  /** The master's process id; the worker is below it. */
  readonly pid: number;
  /** Paths asked for since the last call. */
  takeRequests(): Promise<readonly string[]>;
}

/** Without the log it is set up for speed, and notices changes of its files late. */
export async function startNginx(folder: string, log = true): Promise<Nginx> {
  const port = await freePort();
  const running = await runNginx(port, (home) => configuration({ folder, port, home, log }));
  let seen = 0;
  return {
    url: `http://127.0.0.1:${port}`,
    pid: running.pid,
    async takeRequests() {
      const text = await readFile(join(running.home, "access.log"), "utf8");
      const lines = text.split("\n").filter(Boolean);
      const fresh = lines.slice(seen);
      seen = lines.length;
      return fresh;
    },
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  };
}

export interface TlsProxyOptions {
  /** `http://127.0.0.1:port` */
  readonly upstream: string;
  /** Its own certificate and key, PEM. */
  readonly cert: string;
  readonly key: string;
}

/** One nginx worker that ends TLS and passes the client's certificate on, whoever has issued it. */
export async function startTlsProxy(
  options: TlsProxyOptions,
): Promise<Pick<Nginx, "url"> & AsyncDisposable> {
  const port = await freePort();
  const running = await runNginx(port, async (home) => {
    await writeFile(join(home, "cert.pem"), options.cert);
    await writeFile(join(home, "key.pem"), options.key);
    return tlsConfiguration({ upstream: options.upstream, port, home });
  });
  return {
    url: `https://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  };
}

/** What stands behind a gateway. */
export interface GatewayTarget {
  /** `http://127.0.0.1:port` of the API and the content app. */
  readonly api: string;
  readonly content: string;
  /** Address that it speaks to them from: `127.0.0.2`. */
  readonly from: string;
}

export interface GatewayOptions extends GatewayTarget {
  /** Value of the identity header by the credentials `name:password` that a client shows. */
  readonly identities: ReadonlyMap<string, string>;
}

/**
 * One nginx worker as the gateway of a hosted service: it takes the credentials of clients for itself,
 * and says in a header who they are; what clients say there is dropped. Clients of registries know no
 * other roots than `/v2/` and `/extensions/`, so these are handed on to where the service has its own.
 */
export async function startGateway(
  options: GatewayOptions,
): Promise<Pick<Nginx, "url"> & AsyncDisposable> {
  const port = await freePort();
  const running = await runNginx(port, (home) => gatewayConfiguration({ ...options, port, home }));
  return {
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  };
}

interface Running extends AsyncDisposable {
  readonly home: string;
  readonly pid: number;
}

/** One nginx worker on a loopback port, with a folder of its own that goes with it. */
export async function runNginx(
  port: number,
  configure: (home: string) => string | Promise<string>,
): Promise<Running> {
  const home = await mkdtemp(join(tmpdir(), "deckle-nginx-"));
  await mkdir(join(home, "logs"));
  await writeFile(join(home, "nginx.conf"), await configure(home));
  const child = spawn("nginx", ["-p", home, "-c", join(home, "nginx.conf")], { stdio: "inherit" });
  const exited = new Promise<void>((resolve, reject) => {
    child.once("exit", () => resolve());
    child.once("error", reject);
  });
  await Promise.race([
    untilAnswers(port),
    exited.then(() => Promise.reject(new Error("nginx ended"))),
  ]);
  return {
    home,
    pid: child.pid ?? 0,
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await exited;
      await rm(home, { recursive: true, force: true });
    },
  };
}

interface Configuration {
  readonly folder: string;
  readonly port: number;
  readonly home: string;
  readonly log: boolean;
}

export const globalPart = (home: string) => `
daemon off;
${process.getuid?.() === 0 ? `user ${userInfo().username};` : ""}
worker_processes 1;
pid ${home}/nginx.pid;
error_log ${home}/error.log;
events { worker_connections 1024; }
`;

export const temporary = (home: string) => `
  client_body_temp_path ${home}/body;
  proxy_temp_path ${home}/proxy;
  fastcgi_temp_path ${home}/fastcgi;
  uwsgi_temp_path ${home}/uwsgi;
  scgi_temp_path ${home}/scgi;
`;

const configuration = ({ folder, port, home, log }: Configuration) => `
${globalPart(home)}
http {
  log_format path '$request_uri';
  access_log ${log ? `${home}/access.log path` : "off"};
  ${temporary(home)}
  sendfile on;
  keepalive_requests 1000000;
  ${log ? "" : "tcp_nopush on; open_file_cache max=20000 inactive=60s;"}
  server { listen 127.0.0.1:${port} backlog=4096; root ${folder}; }
}
`;

const tlsConfiguration = ({
  upstream,
  port,
  home,
}: Omit<Configuration, "folder" | "log"> & Pick<TlsProxyOptions, "upstream">) => `
${globalPart(home)}
http {
  access_log off;
  ${temporary(home)}
  server {
    listen 127.0.0.1:${port} ssl;
    ssl_certificate ${home}/cert.pem;
    ssl_certificate_key ${home}/key.pem;
    ssl_verify_client optional_no_ca;
    location / {
      proxy_pass ${upstream};
      proxy_set_header Host $http_host;
      proxy_set_header X-CLIENT-CERT $ssl_client_escaped_cert;
    }
  }
}
`;

/** Of a `server`: where a gateway leads to, with the variable `identity` as the header. */
export const gatewayDoors = ({ api, content, from }: GatewayTarget) => `
    client_max_body_size 0;
    proxy_bind ${from};
    proxy_set_header Host $http_host;
    proxy_set_header Authorization "";
    proxy_set_header X-RH-IDENTITY $identity;
    location /api/pulp-content/ { proxy_pass ${content}; }
    location /api/ { proxy_pass ${api}; }
    location /v2/ { proxy_pass ${api}/api/pulp/v2/; proxy_request_buffering off; }
    location /extensions/ { proxy_pass ${api}/api/pulp/extensions/; }
`;

const gatewayConfiguration = ({
  identities,
  port,
  home,
  ...target
}: GatewayOptions & Pick<Configuration, "port" | "home">) => `
${globalPart(home)}
http {
  access_log off;
  ${temporary(home)}
  map_hash_bucket_size 1024;
  map $http_authorization $identity {
    default "";
    ${[...identities]
      .map(([credentials, identity]) => `"Basic ${base64(credentials)}" "${identity}";`)
      .join("\n    ")}
  }
  server {
    listen 127.0.0.1:${port};
    ${gatewayDoors(target)}
  }
}
`;

const base64 = (text: string): string => Buffer.from(text).toString("base64");

async function untilAnswers(port: number): Promise<void> {
  for (;;) {
    const answers = await new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1", () => resolve(true));
      socket.once("error", () => resolve(false));
      socket.once("connect", () => socket.destroy());
    });
    if (answers) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
