import type { Resource } from "./resource.ts";

/** Name of a resource's policy: its path without keys. */
export const policyName = ({ parent, path }: Resource): string =>
  parent ? `${parent.path}/${path}` : path;
