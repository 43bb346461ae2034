import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { JsonObject } from "#base/json.ts";
import { freePort } from "../../support/server.ts";
import { command } from "./download.ts";

export interface SshServer extends AsyncDisposable {
  /** Options of a store in a new folder. */
  store(): Promise<JsonObject & { readonly root_path: string }>;
  /** Ends its connections; new ones are taken. */
  hangUp(): Promise<void>;
}

const PROGRAM = "/usr/sbin/sshd";
const START_MS = 30_000;

/** OpenSSH's server for the account that runs the tests, on the loopback interface. */
export async function startSsh(): Promise<SshServer> {
  if (!existsSync(PROGRAM))
    throw new Error("openssh-server is not installed; run tools/install-clients.sh");
  const folder = await mkdtemp(join(tmpdir(), "deckle-ssh-"));
  const port = await freePort();
  const [hostKey, key] = [await makeKey(folder, "host"), await makeKey(folder, "client")];
  await writeFile(join(folder, "known_hosts"), `[127.0.0.1]:${port} ${hostKey.line}\n`);
  await writeFile(join(folder, "authorized_keys"), `${key.line}\n`);
  await chmod(join(folder, "authorized_keys"), 0o600);
  // As root it wants a folder of the system that a machine without the service does not have.
  if (process.getuid?.() === 0) await mkdir("/run/sshd", { recursive: true, mode: 0o755 });
  const config = [
    `ListenAddress 127.0.0.1:${port}`,
    ...[`HostKey ${hostKey.file}`, `AuthorizedKeysFile ${join(folder, "authorized_keys")}`],
    ...[`PidFile ${join(folder, "pid")}`, "StrictModes no", "UsePAM no", "PermitRootLogin yes"],
    ...["PasswordAuthentication no", "Subsystem sftp internal-sftp", "MaxStartups 100"],
  ];
  await writeFile(join(folder, "sshd_config"), `${config.join("\n")}\n`);
  const child = spawn(PROGRAM, ["-D", "-e", "-f", join(folder, "sshd_config")], {
    stdio: "ignore",
  });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const limit = Date.now() + START_MS;
  while (!existsSync(join(folder, "pid"))) {
    if (child.exitCode !== null || Date.now() > limit) throw new Error("sshd does not start.");
    await sleep(50);
  }
  let stores = 0;
  const hangUp = async (): Promise<void> => {
    for (const pid of await childrenOf(child.pid ?? 0)) process.kill(pid, "SIGTERM");
  };
  return {
    async store() {
      stores += 1;
      const root_path = join(folder, `store-${stores}`);
      await mkdir(root_path);
      const { username } = userInfo();
      const known_host_file = join(folder, "known_hosts");
      const params = { username, port, key_filename: key.file };
      return { host: "127.0.0.1", root_path, known_host_file, params };
    },
    hangUp,
    async [Symbol.asyncDispose]() {
      await hangUp();
      child.kill();
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function makeKey(folder: string, name: string) {
  const file = join(folder, name);
  const flags = ["-q", "-t", "ed25519", "-N", "", "-C", "tests", "-f", file];
  const { status, stderr } = await command("ssh-keygen", flags);
  if (status !== 0) throw new Error(stderr);
  const [type = "", encoded = ""] = (await readFile(`${file}.pub`, "utf8")).split(" ");
  return { file, line: `${type} ${encoded}` };
}

/** One for each connection. */
async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8");
  return text.split(" ").filter(Boolean).map(Number);
}
