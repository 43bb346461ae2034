import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../../support/server.ts";
import { clientsFolder } from "./python.ts";

export interface S3Server extends AsyncDisposable {
  /** `http://127.0.0.1:port` */
  readonly url: string;
  /** Options of a store (core-content §2.3) in a new bucket. */
  bucket(): Promise<Record<string, string>>;
}

const START_MS = 60_000;
const CREDENTIALS = { access_key: "AKIDEXAMPLE", secret_key: "a-secret-of-the-test" };

/** A server that speaks the protocol of S3, on the loopback interface. */
export async function startS3(): Promise<S3Server> {
  const program = join(clientsFolder, "servers", "bin", "moto_server");
  if (!existsSync(program)) throw new Error("moto is not installed; run tools/install-clients.sh");
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const child = spawn(program, ["-H", "127.0.0.1", "-p", String(port)], { stdio: "ignore" });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const limit = Date.now() + START_MS;
  while (!(await fetch(url).catch(() => undefined))) {
    if (child.exitCode !== null || Date.now() > limit) throw new Error("moto does not start.");
    await sleep(100);
  }
  let buckets = 0;
  return {
    url,
    async bucket() {
      buckets += 1;
      const bucket_name = `bucket-${buckets}`;
      const { status } = await fetch(`${url}/${bucket_name}`, { method: "PUT" });
      if (status !== 200) throw new Error(`The bucket was not made: ${status}.`);
      return { ...CREDENTIALS, bucket_name, endpoint_url: url, region_name: "us-east-1" };
    },
    async [Symbol.asyncDispose]() {
      child.kill();
      await ended;
    },
  };
}
