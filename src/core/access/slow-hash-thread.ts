import { pbkdf2Sync } from "node:crypto";
import { setPriority } from "node:os";
import { parentPort } from "node:worker_threads";
import type { SlowHashAnswer, SlowHashRequest } from "./slow-hash.ts";

/** Of this thread alone, where threads have priorities (Linux). */
const NICE = 19;

if (process.platform === "linux") setPriority(0, NICE);

parentPort?.on("message", (request: SlowHashRequest) => parentPort?.postMessage(answer(request)));

function answer({ password, salt, iterations, bytes }: SlowHashRequest): SlowHashAnswer {
  try {
    return { key: pbkdf2Sync(password, salt, iterations, bytes, "sha256") };
  } catch (error) {
    return { failure: String(error) };
  }
}
