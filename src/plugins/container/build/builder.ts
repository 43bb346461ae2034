import { execFile } from "node:child_process";
import { access, constants } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import type { Job } from "#sdk";
import { containerErrors } from "../errors.ts";

const run = promisify(execFile);

/** Programs that build without a daemon and without rights, and take the same words. */
const BUILDERS = ["buildah", "podman"] as const;
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;
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
  const { signal } = job;
  await run(builder, [...parameters], { signal, maxBuffer: MAX_OUTPUT_BYTES }).catch(
    (error: Error & { stderr?: string }) => {
      signal.throwIfAborted();
      throw containerErrors.build((error.stderr || error.message).trim().slice(-SHOWN));
    },
  );
}
