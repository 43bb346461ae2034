import type { Ctx } from "#core/ctx.ts";
import type { Recorder } from "./recorder.ts";

type Log = Ctx["log"];

/** Lines that a task may leave; later ones are not kept. */
const MOST_BYTES = 16_777_216;

/**
 * A log that also keeps what it is given, as `YYYY-MM-DD HH:MM:SS - logger - LEVEL - message`.
 *
 * @param withDebug also keeps lines that the log of the process leaves out
 */
export function recordLog(log: Log, withDebug: boolean): { readonly log: Log } & Recorder {
  const lines: string[] = [];
  let bytes = 0;
  const keep = (logger: string, level: string, message: string) => {
    if (bytes > MOST_BYTES) return;
    const at = new Date().toISOString().slice(0, 19).replace("T", " ");
    const line = `${at} - ${logger} - ${level} - ${message}\n`;
    bytes += line.length;
    lines.push(line);
  };
  const wrap = (inner: Log, logger: string): Log => ({
    debug(message, facts) {
      if (withDebug) keep(logger, "DEBUG", message);
      inner.debug(message, facts);
    },
    info(message, facts) {
      keep(logger, "INFO", message);
      inner.info(message, facts);
    },
    warn(message, facts) {
      keep(logger, "WARNING", message);
      inner.warn(message, facts);
    },
    error(message, facts) {
      keep(logger, "ERROR", message);
      inner.error(message, facts);
    },
    unhandled(error, where) {
      keep(
        logger,
        "ERROR",
        error instanceof Error ? (error.stack ?? error.message) : String(error),
      );
      inner.unhandled(error, where);
    },
    named: (name) => wrap(inner.named(name), name),
    of: (correlationId) => wrap(inner.of(correlationId), logger),
  });
  return {
    log: wrap(log, "pulpcore"),
    stop: () => Promise.resolve([{ name: "task_logs", text: lines.join("") }]),
  };
}
