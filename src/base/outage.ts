/**
 * Codes of PostgreSQL that mean "not now": no connection, going down or coming up, no room for
 * another one, and a standby that takes no writes.
 */
const DATABASE = /^(08|57P|53[0-9])|^25006$/;
/** Of the operating system. */
const NETWORK = /^E(CONN|PIPE|TIMEDOUT|HOSTUNREACH)/;
/** Of the driver, which gives them no code. */
const DRIVER =
  /^Connection (terminated|ended)|timeout exceeded when trying to connect|is not queryable/;

/** Whether an error says that the database cannot be reached now: it may be asked again in a moment. */
export function isOutage(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  // What was to be given back could not be, either.
  if (error instanceof SuppressedError) return isOutage(error.error) || isOutage(error.suppressed);
  const code = "code" in error ? String(error.code) : "";
  if (DATABASE.test(code) || NETWORK.test(code) || DRIVER.test(error.message)) return true;
  // A server that starts again has no socket for a moment; a file that is missing is another matter.
  return code === "ENOENT" && "syscall" in error && error.syscall === "connect";
}
