import type { GuardModel } from "./types.ts";

const model = (type: string, name: string): GuardModel => ({
  family: "content_guard",
  type: `core.${type}`,
  model: `core.${name}`,
  path: `contentguards/core/${type}`,
});

export const RBAC_GUARD = model("rbac", "RBACContentGuard");
export const HEADER_GUARD = model("header", "HeaderContentGuard");
export const REDIRECT_GUARD = model("content_redirect", "ContentRedirectContentGuard");
export const COMPOSITE_GUARD = model("composite", "CompositeContentGuard");

/** Guard types that the core brings. */
export const coreGuards: readonly GuardModel[] = [
  RBAC_GUARD,
  HEADER_GUARD,
  REDIRECT_GUARD,
  COMPOSITE_GUARD,
];
