import { pino } from "pino";
import type { Log } from "./log.ts";
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

/** A log whose level can change while the process runs. */
export interface ProcessLog extends Log {
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
  const log = wrap(root.child({ logger: options.logger ?? "pulpcore" }));
  return Object.assign(log, {
    setLevel(level: LogLevel) {
      root.level = level;
    },
  });
}

type Lines = pino.Logger;

function wrap(lines: Lines): Log {
  return {
    debug: (message, facts) => lines.debug(facts ?? {}, message),
    info: (message, facts) => lines.info(facts ?? {}, message),
    warn: (message, facts) => lines.warn(facts ?? {}, message),
    error: (message, facts) => lines.error(facts ?? {}, message),
    named: (logger) => wrap(lines.child({ logger })),
    of: (cid) => wrap(lines.child({ cid })),
  };
}

/** JSON escapes the rest by itself. */
const escapeInJson = (line: string): string => `${escapeControls(line.trimEnd())}\n`;
