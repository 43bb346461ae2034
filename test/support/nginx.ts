import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
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
  const home = await mkdtemp(join(tmpdir(), "deckle-nginx-"));
  await mkdir(join(home, "logs"));
  await writeFile(join(home, "nginx.conf"), configuration({ folder, port, home, log }));
  const child = spawn("nginx", ["-p", home, "-c", join(home, "nginx.conf")], { stdio: "inherit" });
  const exited = new Promise<void>((resolve, reject) => {
    child.once("exit", () => resolve());
    child.once("error", reject);
  });
  const url = `http://127.0.0.1:${port}`;
  await Promise.race([
    untilAnswers(url),
    exited.then(() => Promise.reject(new Error("nginx ended"))),
  ]);
  let seen = 0;
  return {
    url,
    pid: child.pid ?? 0,
    async takeRequests() {
      const lines = (await readFile(join(home, "access.log"), "utf8")).split("\n").filter(Boolean);
      const fresh = lines.slice(seen);
      seen = lines.length;
      return fresh;
    },
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

const configuration = ({ folder, port, home, log }: Configuration) => `
daemon off;
${process.getuid?.() === 0 ? `user ${userInfo().username};` : ""}
worker_processes 1;
pid ${home}/nginx.pid;
error_log ${home}/error.log;
events { worker_connections 1024; }
http {
  log_format path '$request_uri';
  access_log ${log ? `${home}/access.log path` : "off"};
  client_body_temp_path ${home}/body;
  proxy_temp_path ${home}/proxy;
  fastcgi_temp_path ${home}/fastcgi;
  uwsgi_temp_path ${home}/uwsgi;
  scgi_temp_path ${home}/scgi;
  sendfile on;
  keepalive_requests 1000000;
  ${log ? "" : "tcp_nopush on; open_file_cache max=20000 inactive=60s;"}
  server { listen 127.0.0.1:${port} backlog=4096; root ${folder}; }
}
`;

async function untilAnswers(url: string): Promise<void> {
  for (;;) {
    const answered = await fetch(url).then(
      () => true,
      () => false,
    );
    if (answered) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
