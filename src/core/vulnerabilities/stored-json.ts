import type { Json } from "#base/json.ts";

/** JSON text of what others say, as `jsonb` takes it: without NUL and halves of characters. */
export const storedJson = (value: Json): string =>
  JSON.stringify(value, (_key, member: Json) =>
    typeof member === "string" ? member.toWellFormed().replaceAll("\0", "\ufffd") : member,
  );
