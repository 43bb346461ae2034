import type { Call } from "#sdk";

/**
 * Refuses with a text that upload clients look for in the reason phrase (plugin-python §6.5.2); the
 * body has it as well, since HTTP/2 knows no reasons.
 */
export function refuse({ reply }: Call, status: 400 | 403, reason: string): undefined {
  reply.raw.statusMessage = latin(reason);
  reply.code(status).header("content-type", "text/plain; charset=utf-8").send(Buffer.from(reason));
  return undefined;
}

/** What a reason phrase can hold; the rest becomes `?`. */
const latin = (text: string): string => text.replaceAll(/[^\u0020-\u007e\u00a0-\u00ff]/g, "?");
