import { href, type View } from "../kit/view.ts";

/**
 * A time as the database writes it inside JSON, `2026-08-12T09:30:00.1234+00:00`, in the wire's form:
 * six digits, or no fraction where it is exactly zero (core-rest §1.6).
 */
export function wireTime(text: string | null): string | null {
  if (text === null) return null;
  const [, time = text, fraction] = /^([^.+Z]+)(?:\.(\d+))?/.exec(text) ?? [];
  return fraction === undefined ? `${time}Z` : `${time}.${fraction.padEnd(6, "0")}Z`;
}

export const taskHref = (view: View, id: unknown): string => href(view, `tasks/${id}/`);
