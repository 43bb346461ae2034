import * as files from "node:fs/promises";
import { systemCode } from "./errors.ts";

/** The file system as the store uses it; tests count and break it. */
export type FileOperations = Pick<
  typeof files,
  "link" | "mkdir" | "open" | "readdir" | "rename" | "rm" | "stat" | "statfs" | "unlink"
>;

export const nodeFiles: FileOperations = files;

/** Writes every byte at the position; a full disk may accept only some of them at first. */
export async function writeFully(
  handle: files.FileHandle,
  buffers: readonly Uint8Array[],
  position: number,
): Promise<void> {
  let at = position;
  let rest = [...buffers];
  while (rest.length > 0) {
    const { bytesWritten } = await handle.writev(rest, at);
    at += bytesWritten;
    rest = dropBytes(rest, bytesWritten);
  }
}

/** Removes a file in one operation; a missing one is success. */
export async function removeFile(
  { unlink }: Pick<FileOperations, "unlink">,
  path: string,
): Promise<void> {
  await unlink(path).catch((error) => {
    if (systemCode(error) !== "ENOENT") throw error;
  });
}

function dropBytes(buffers: readonly Uint8Array[], count: number): Uint8Array[] {
  let left = count;
  return buffers.flatMap((buffer) => {
    const skipped = Math.min(left, buffer.length);
    left -= skipped;
    return skipped === buffer.length ? [] : [buffer.subarray(skipped)];
  });
}
