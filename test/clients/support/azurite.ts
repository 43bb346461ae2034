import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../../support/server.ts";
import { clientsFolder } from "./python.ts";

export interface AzureServer extends AsyncDisposable {
  /** `http://127.0.0.1:port` */
  readonly url: string;
  /** Options of a store (core-content §2.3) in a new container. */
  container(): Promise<Record<string, string>>;
}

const START_MS = 60_000;
const ACCOUNT = "testaccount";
const KEY = Buffer.from("the key of an account that only tests know").toString("base64");

/** A server that speaks the protocol of Azure Blob, in memory, on the loopback interface. */
export async function startAzurite(): Promise<AzureServer> {
  const program = join(clientsFolder, "azurite", "node_modules", ".bin", "azurite-blob");
  if (!existsSync(program))
    throw new Error("Azurite is not installed; run tools/install-clients.sh");
  const { BlobServiceClient } = await import("@azure/storage-blob");
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const flags = ["--inMemoryPersistence", "--silent", "--skipApiVersionCheck"];
  const child = spawn(program, ["--blobHost", "127.0.0.1", "--blobPort", String(port), ...flags], {
    stdio: "ignore",
    env: { ...process.env, AZURITE_ACCOUNTS: `${ACCOUNT}:${KEY}` },
  });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const limit = Date.now() + START_MS;
  while (!(await fetch(url).catch(() => undefined))) {
    if (child.exitCode !== null || Date.now() > limit) throw new Error("Azurite does not start.");
    await sleep(100);
  }
  const connection_string = [
    "DefaultEndpointsProtocol=http",
    `AccountName=${ACCOUNT}`,
    `AccountKey=${KEY}`,
    `BlobEndpoint=${url}/${ACCOUNT}`,
  ].join(";");
  const service = BlobServiceClient.fromConnectionString(connection_string);
  let containers = 0;
  return {
    url,
    async container() {
      containers += 1;
      const azure_container = `container-${containers}`;
      await service.getContainerClient(azure_container).create();
      return { account_name: ACCOUNT, account_key: KEY, azure_container, connection_string };
    },
    async [Symbol.asyncDispose]() {
      child.kill();
      await ended;
    },
  };
}
