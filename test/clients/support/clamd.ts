import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../../support/server.ts";

/** The test file of the antivirus industry, in two halves so that no scanner takes this file for it. */
export const EICAR = "X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR" + "-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*";

/** A real ClamAV daemon that knows one signature. */
export interface ClamdProcess extends AsyncDisposable {
  readonly port: number;
  readonly child: ChildProcess;
  kill(): Promise<void>;
}

/** @param streamMaxBytes longest stream that it takes */
export async function startClamd(streamMaxBytes: number): Promise<ClamdProcess> {
  const folder = await mkdtemp(join(tmpdir(), "deckle-clamd-"));
  const port = await freePort();
  const signature = Buffer.from(EICAR).toString("hex");
  await writeFile(join(folder, "own.ndb"), `Eicar-Test-Signature:0:*:${signature}\n`);
  const lines = [
    `TCPSocket ${port}`,
    "TCPAddr 127.0.0.1",
    `DatabaseDirectory ${folder}`,
    "Foreground yes",
    `StreamMaxLength ${streamMaxBytes}`,
    "User root",
    `LogFile ${join(folder, "log")}`,
  ];
  await writeFile(join(folder, "clamd.conf"), `${lines.join("\n")}\n`);
  const child = spawn("clamd", ["--config-file", join(folder, "clamd.conf")], { stdio: "ignore" });
  const ended = new Promise<void>((resolve, reject) => {
    child.once("exit", () => resolve()).once("error", reject);
  });
  const limit = Date.now() + 60_000;
  while (!(await isListening(port))) {
    if (child.exitCode !== null || Date.now() > limit) throw new Error("clamd does not start.");
    await Promise.race([sleep(50), ended]);
  }
  const kill = async () => {
    child.kill("SIGKILL");
    await ended;
  };
  return {
    ...{ port, child, kill },
    async [Symbol.asyncDispose]() {
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const isListening = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
