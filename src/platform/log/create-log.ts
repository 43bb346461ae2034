import { pino } from "pino";
import type { Log, Unhandled } from "./log.ts";
import { escapeControls, formatLine } from "./text-line.ts";

export type LogLevel = "debug" | "info" | "warn" | "error";

export interface LogOptions {
  readonly level: LogLevel;
  readonly format: "text" | "json";
  /** Logger name of lines without one of their own. */
  readonly logger?: string;
  /** Where finished lines go; standard error when left out. */
  readonly write?: (line: string) => void;
}

export type UnhandledHandler = (error: unknown, where: Unhandled) => void;

/** A log whose level can change while the process runs. */
export interface ProcessLog extends Log {
  /** Also gives every unhandled error to the handler. */
  onUnhandled(handler: UnhandledHandler): void;
  setLevel(level: LogLevel): void;
}

/** The log of a process: classic text lines or JSON objects (core-tasks-ops §19.2). */
export function createLog(options: LogOptions): ProcessLog {
  const root = pino(
    {
      base: null,
      level: options.level,
      timestamp: pino.stdTimeFunctions.isoTime,
      serializers: { error: pino.stdSerializers.err },
      formatters: { level: (level) => ({ level }) },
      hooks: { streamWrite: options.format === "json" ? escapeInJson : formatLine },
    },
    options.write ? { write: options.write } : pino.destination({ fd: 2, sync: true }),
  );
  const unhandled: Unhandling = { handlers: [] };
  const log = wrap(root.child({ logger: options.logger ?? "pulpcore" }), unhandled);
  return Object.assign(log, {
    setLevel(level: LogLevel) {
      root.level = level;
    },
    onUnhandled(handler: UnhandledHandler) {
      unhandled.handlers.push(handler);
    },
  });
}

type Lines = pino.Logger;

interface Unhandling {
  readonly handlers: UnhandledHandler[];
}

function wrap(lines: Lines, unhandling: Unhandling, correlationId?: string): Log {
  return {
    debug: (message, facts) => lines.debug(facts ?? {}, message),
    info: (message, facts) => lines.info(facts ?? {}, message),
    warn: (message, facts) => lines.warn(facts ?? {}, message),
    error: (message, facts) => lines.error(facts ?? {}, message),
    unhandled(error, where) {
      lines.error({}, error instanceof Error ? (error.stack ?? error.message) : String(error));
      const known = correlationId === undefined ? where : { correlationId, ...where };
      for (const handler of unhandling.handlers) handler(error, known);
    },
    named: (logger) => wrap(lines.child({ logger }), unhandling, correlationId),
    of: (cid) => wrap(lines.child({ cid }), unhandling, cid),
  };
}

/** JSON escapes the rest by itself. */
const escapeInJson = (line: string): string => `${escapeControls(line.trimEnd())}\n`;
