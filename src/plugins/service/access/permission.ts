import type { Plugin } from "#sdk";

/** What decides over requests, its decisions, and what they are asked. */
export type PermissionClass = NonNullable<Plugin["permissionClasses"]>[number];
export type Decider = ReturnType<PermissionClass["open"]>;
export type Question = Parameters<Decider["isPermitted"]>[0];
