import { randomBytes } from "node:crypto";
import { type Distribution, wheel } from "../test/plugins/python/distributions.ts";

/** A wheel of about so many bytes that no other is equal to. */
export const wheelOf = (project: string, version: string, bytes: number): Distribution =>
  wheel({ name: project, version, salt: randomBytes(bytes / 2).toString("hex") });
