import { watch } from "node:fs";
import { fileURLToPath } from "node:url";

/** Editors write a file several times. */
const QUIET_MS = 300;

/** Calls back when sources have changed, once for changes at about the same time. */
export function onSourceChange(changed: () => void): Disposable {
  const folder = fileURLToPath(new URL("../", import.meta.url));
  let timer: NodeJS.Timeout | undefined;
  const watcher = watch(folder, { recursive: true }, () => {
    clearTimeout(timer);
    timer = setTimeout(changed, QUIET_MS);
  });
  return {
    [Symbol.dispose]() {
      clearTimeout(timer);
      watcher.close();
    },
  };
}
