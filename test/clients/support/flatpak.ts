import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { ImageClient } from "./image-clients.ts";

const START_MS = 60_000;
const AUTHENTICATOR = "/usr/libexec/flatpak-oci-authenticator";

/**
 * `flatpak` in the home of a client, with a session bus and the helper that it asks for tokens of
 * registries. Both are children of ours: started over the bus, the helper would outlive the tests
 * by minutes.
 */
export class Flatpak implements AsyncDisposable {
  readonly #client: ImageClient;
  readonly #children: readonly ChildProcess[];

  private constructor(client: ImageClient, children: readonly ChildProcess[]) {
    this.#client = client;
    this.#children = children;
  }

  static async start(client: ImageClient): Promise<Flatpak> {
    const socket = client.path("bus");
    const address = `unix:path=${socket}`;
    const env = { ...process.env, DBUS_SESSION_BUS_ADDRESS: address };
    const bus = spawn("dbus-daemon", ["--session", "--nofork", `--address=${address}`], {
      stdio: "ignore",
    });
    const limit = Date.now() + START_MS;
    while (!existsSync(socket)) {
      if (bus.exitCode !== null || Date.now() > limit) throw new Error("There is no session bus.");
      await sleep(50);
    }
    const helper = spawn(AUTHENTICATOR, ["--no-idle-exit"], { env, stdio: "ignore" });
    return new Flatpak(client.with({ DBUS_SESSION_BUS_ADDRESS: address }), [helper, bus]);
  }

  /** Standard output of a command that succeeds; the installation is that of the user. */
  run(...args: readonly string[]): Promise<string> {
    return this.#client.run("flatpak", "--user", ...args);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const gone = once(child, "exit");
      child.kill();
      await gone;
    }
  }
}
