import { spawn } from "node:child_process";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { freePort } from "../../support/server.ts";
import type { S3Server } from "./s3-server.ts";
import { storeProgram } from "./store-programs.ts";

const START_MS = 60_000;
const CREDENTIALS = { access_key: "AKIDEXAMPLE", secret_key: "a-secret-of-the-test" };

/** A server of S3 that checks every signature and keeps files, on the loopback interface. */
export async function startStrictS3(): Promise<S3Server> {
  const folder = await mkdtemp(join(tmpdir(), "deckle-strict-s3-"));
  const [data, sidecar] = [join(folder, "data"), join(folder, "meta")];
  for (const each of [data, sidecar]) await mkdir(each);
  const address = `127.0.0.1:${await freePort()}`;
  const { access_key, secret_key } = CREDENTIALS;
  const flags = ["--quiet", "-p", address, "-a", access_key, "-s", secret_key];
  const child = spawn(storeProgram("versitygw"), [...flags, "posix", "--sidecar", sidecar, data], {
    stdio: "ignore",
  });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const url = `http://${address}`;
  const limit = Date.now() + START_MS;
  while (!(await fetch(url).catch(() => undefined))) {
    if (child.exitCode !== null || Date.now() > limit) throw new Error("versitygw does not start.");
    await sleep(50);
  }
  const credentials = { accessKeyId: access_key, secretAccessKey: secret_key };
  const client = new S3Client({
    ...{ endpoint: url, region: "us-east-1", credentials },
    forcePathStyle: true,
  });
  let buckets = 0;
  return {
    url,
    async bucket() {
      buckets += 1;
      const bucket_name = `bucket-${buckets}`;
      await client.send(new CreateBucketCommand({ Bucket: bucket_name }));
      return { ...CREDENTIALS, bucket_name, endpoint_url: url, region_name: "us-east-1" };
    },
    async [Symbol.asyncDispose]() {
      client.destroy();
      child.kill();
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}
