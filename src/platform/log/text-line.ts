/** Standard names of levels as the peer writes them. */
const LEVELS: Readonly<Record<string, string>> = {
  debug: "DEBUG",
  info: "INFO",
  warn: "WARNING",
  error: "ERROR",
  fatal: "CRITICAL",
};

interface Line {
  readonly level: string;
  readonly time: string;
  readonly logger: string;
  readonly cid?: string;
  readonly msg?: string;
  readonly error?: { readonly stack?: string; readonly message?: string };
}

/** C0, DEL, C1 and the line separators: what could forge a line or steer a terminal. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the purpose.
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g;

/** Writes control characters as `\u00xx`. */
export const escapeControls = (text: string): string =>
  text.replace(CONTROLS, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);

/**
 * One JSON line as `pulp [<cid>]: <logger>:<LEVEL>: <message> fact=value …`, the stack of an error
 * on indented lines below.
 */
export function formatLine(json: string): string {
  const { level, time: _time, logger, cid, msg, error, ...facts } = JSON.parse(json) as Line;
  const text = [msg ?? "", ...Object.entries(facts).map(fact)].join(" ");
  const stack = (error?.stack ?? "").split("\n").map((line) => `\n    ${escapeControls(line)}`);
  const head = `pulp [${escapeControls(cid ?? "None")}]: ${logger}:${LEVELS[level] ?? level}: `;
  return `${head}${escapeControls(text)}${error ? stack.join("") : ""}\n`;
}

function fact([name, value]: [string, unknown]): string {
  const isPlain = typeof value === "string" && /^[^\s"=]+$/.test(value);
  return `${name}=${isPlain ? value : JSON.stringify(value)}`;
}
