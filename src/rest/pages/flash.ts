import type { FastifyReply } from "fastify";
import type { Ctx } from "#core/ctx.ts";
import { addCookie } from "../auth/cookies.ts";
import type { Call } from "../kit/call.ts";

const COOKIE = "messages";
const MAX_CHARACTERS = 500;
const LIFE_SECONDS = 60;
const FORM = /(?:^|;\s*)messages=([\w-]{1,4000})(?:;|$)/;

/** Leaves a text for the next page that the browser shows. */
export function leaveMessage(settings: Ctx["settings"], reply: FastifyReply, text: string): void {
  const value = Buffer.from(text.slice(0, MAX_CHARACTERS).toWellFormed()).toString("base64url");
  addCookie(settings, reply, `${COOKIE}=${value}; HttpOnly; Max-Age=${LIFE_SECONDS}`);
}

/** The text that was left, which is then gone; whoever shows it shows it as text. */
export function takeMessage({ ctx, request, reply }: Call): string | undefined {
  const [, value] = FORM.exec(request.headers.cookie ?? "") ?? [];
  if (value === undefined) return undefined;
  addCookie(ctx.settings, reply, `${COOKIE}=; HttpOnly; Max-Age=0`);
  const text = Buffer.from(value, "base64url")
    .toString()
    .replaceAll(/\p{Cc}/gu, " ");
  return text.slice(0, MAX_CHARACTERS) || undefined;
}
