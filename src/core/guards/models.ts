import type { EntityModel } from "../plugin-contract.ts";
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

/** The one distribution that serves artifacts by their id, at signed addresses (core-content §5.13). */
export const ARTIFACT_DISTRIBUTION = {
  family: "distribution",
  type: "core.artifact",
  model: "core.ArtifactDistribution",
  path: "distributions/core/artifacts",
} as const satisfies EntityModel;
