import { spawn } from "node:child_process";
import { once } from "node:events";
import { access, constants } from "node:fs/promises";
import { delimiter, join } from "node:path";
import type { Job } from "#sdk";
import { containerErrors } from "../errors.ts";
import { builderEnvironment } from "./environment.ts";

/** Programs that build without a daemon and without rights, and take the same words. */
const BUILDERS = ["buildah", "podman"] as const;
/** Characters of what a builder says that are kept, and told if it fails. */
const KEPT = 16_384;
const SHOWN = 4000;

async function findBuilder(): Promise<string> {
  const folders = (process.env.PATH ?? "").split(delimiter).filter(Boolean);
  for (const name of BUILDERS) {
    for (const folder of folders) {
      const path = join(folder, name);
      const isThere = await access(path, constants.X_OK).then(
        () => true,
        () => false,
      );
      if (isThere) return path;
    }
  }
  throw containerErrors.build(
    `This worker cannot build images: none of ${BUILDERS.join(", ")} is installed.`,
  );
}

export interface Build {
  /** What the Containerfile copies from. */
  readonly folder: string;
  readonly containerfile: string;
}

/**
 * Builds and exports as an OCI layout; everything of it stays in the folder of the task.
 *
 * @returns folder of the layout.
 * @throws `containerErrors.build` with what the builder says.
 */
export async function runBuilder(job: Job, { folder, containerfile }: Build): Promise<string> {
  const builder = await findBuilder();
  const inTask = (name: string) => join(job.workingDirectory, name);
  const storage = [
    ...["--storage-driver", "vfs", "--root", inTask("storage"), "--runroot", inTask("run")],
  ];
  const layout = inTask("layout");
  const build = ["build", "--isolation", "chroot", "--format", "oci", "--tag", "deckle-build"];
  await step(job, builder, [...storage, ...build, "--file", containerfile, folder]);
  await step(job, builder, [...storage, "push", "deckle-build", `oci:${layout}:latest`]);
  return layout;
}

async function step(job: Job, builder: string, parameters: readonly string[]): Promise<void> {
  const { signal, workingDirectory: folder } = job;
  const child = spawn(builder, parameters, {
    signal,
    env: builderEnvironment(process.env, folder),
    // What the steps of a build print is theirs and has no end; the builder itself uses the other.
    stdio: ["ignore", "ignore", "pipe"],
  });
  const ended = once(child, "close");
  // Waited for below; it may fail before what it says is read.
  ended.catch(() => undefined);
  let said = "";
  for await (const text of child.stderr.setEncoding("utf8")) said = (said + text).slice(-KEPT);
  const [status] = await ended.catch((error: Error) => {
    signal.throwIfAborted();
    throw containerErrors.build(error.message);
  });
  if (status === 0) return;
  throw containerErrors.build(said.trim().slice(-SHOWN) || `The builder ended with ${status}.`);
}
