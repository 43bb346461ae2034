import { spawn } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { JsonObject } from "#base/json.ts";
import { freePort } from "../../support/server.ts";
import { storeProgram } from "./store-programs.ts";

export interface GcsServer extends AsyncDisposable {
  /** `http://127.0.0.1:port` */
  readonly url: string;
  /** Options of a store (core-content §2.3) in a new bucket. */
  bucket(): Promise<JsonObject>;
}

const START_MS = 60_000;

/** A server that speaks the protocol of Google Cloud Storage, in memory, on the loopback interface. */
export async function startGcs(): Promise<GcsServer> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const flags = ["-scheme", "http", "-host", "127.0.0.1", "-port", String(port)];
  const more = ["-backend", "memory", "-external-url", url, "-public-host", `127.0.0.1:${port}`];
  const program = storeProgram("fake-gcs-server");
  const child = spawn(program, [...flags, ...more, "-log-level", "error"], { stdio: "ignore" });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const limit = Date.now() + START_MS;
  while (!(await fetch(url).catch(() => undefined))) {
    if (child.exitCode !== null || Date.now() > limit) throw new Error("It does not start.");
    await sleep(50);
  }
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const private_key = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const client_email = "store@tests.example";
  let buckets = 0;
  return {
    url,
    async bucket() {
      buckets += 1;
      const bucket_name = `bucket-${buckets}`;
      const { status } = await fetch(`${url}/storage/v1/b?project=tests`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ name: bucket_name }),
      });
      if (status !== 200) throw new Error(`The bucket was not made: ${status}.`);
      const credentials = { type: "service_account", client_email, private_key };
      return { bucket_name, project_id: "tests", api_endpoint: url, credentials };
    },
    async [Symbol.asyncDispose]() {
      child.kill();
      await ended;
    },
  };
}
