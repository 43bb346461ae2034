const VERSION = new RegExp(
  [
    "^v?(?:(?<epoch>\\d+)!)?(?<release>\\d+(?:\\.\\d+)*)",
    "(?:[-_.]?(?<pre>alpha|beta|preview|pre|rc|a|b|c)[-_.]?(?<preNumber>\\d*))?",
    "(?:-(?<implicit>\\d+)|[-_.]?(?<post>post|rev|r)[-_.]?(?<postNumber>\\d*))?",
    "(?:[-_.]?(?<dev>dev)[-_.]?(?<devNumber>\\d*))?",
    "(?:\\+(?<local>[a-z0-9]+(?:[-_.][a-z0-9]+)*))?$",
  ].join(""),
);

const PRE: Readonly<Record<string, string>> = {
  ...{ alpha: "a", beta: "b", c: "rc", pre: "rc", preview: "rc" },
};

const plain = (digits: string | undefined): string => (digits || "0").replace(/^0+(?=\d)/, "");

/**
 * A text that versions have in common exactly if they are equal: `1.0-RC1` and `1rc1`. What is no
 * version stands for itself.
 *
 * @see PEP 440, "Normalization" and "Version comparison".
 */
export function versionKey(text: string): string {
  const given = text.trim().toLowerCase();
  const parts = VERSION.exec(given)?.groups;
  if (!parts) return given;
  const { epoch, release = "", pre, preNumber, implicit, post, postNumber, dev, devNumber } = parts;
  const numbers = release
    .split(".")
    .map(plain)
    .join(".")
    .replace(/(\.0)+$/, "");
  const postAt = post === undefined ? implicit : postNumber;
  return [
    `${plain(epoch)}!${numbers}`,
    pre === undefined ? "" : `${PRE[pre] ?? pre}${plain(preNumber)}`,
    postAt === undefined ? "" : `.post${plain(postAt)}`,
    dev === undefined ? "" : `.dev${plain(devNumber)}`,
    parts.local === undefined ? "" : `+${localKey(parts.local)}`,
  ].join("");
}

const localKey = (local: string): string =>
  local
    .split(/[-_.]/)
    .map((part) => (/^\d+$/.test(part) ? plain(part) : part))
    .join(".");

/** Name of a project as indexes compare it (PEP 503). */
export const projectKey = (name: string): string => name.toLowerCase().replace(/[-_.]+/g, "-");
