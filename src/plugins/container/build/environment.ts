/** What a builder needs of the worker's environment: its own settings, and the way to registries. */
const PASSED =
  /^(?:PATH|HOME|LANG|LC_.*|XDG_RUNTIME_DIR|SSL_CERT_(?:FILE|DIR)|REGISTRY_AUTH_FILE|CONTAINERS_.*|BUILDAH_.*|(?:https?|no|all)_proxy|(?:HTTPS?|NO|ALL)_PROXY)$/;

/**
 * The environment of a builder, which runs what a user wrote: the settings of the worker hold the
 * password of its database among others, and are not for it.
 *
 * @param folder of the task: large files that a builder puts aside go with it.
 */
export function builderEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  folder: string,
): Readonly<Record<string, string>> {
  const passed = Object.entries(env).filter(
    (entry): entry is [string, string] => PASSED.test(entry[0]) && entry[1] !== undefined,
  );
  return { ...Object.fromEntries(passed), TMPDIR: folder };
}
