import { Type } from "@sinclair/typebox";
import { defineSettings, type SettingValues } from "#base/settings.ts";
import type { Ctx } from "#sdk";
import { indexOrigin } from "../settings.ts";

const ISSUERS = [
  "https://token.actions.githubusercontent.com",
  "https://gitlab.com",
  "https://accounts.google.com",
  "https://agent.buildkite.com",
];

const HTTPS = /^https:|^http:\/\/(?:127\.\d+\.\d+\.\d+|\[::1\]|localhost)(?::|\/|$)/;

/** Of uploads from jobs that prove who they are. */
export const publishingSettings = defineSettings({
  PYTHON_TRUSTED_ISSUERS: {
    schema: Type.Array(Type.String()),
    default: ISSUERS,
    doc: "Issuers of OpenID Connect tokens that trusted publishers of Python repositories may name: https, or http on loopback.",
    check: (issuers: readonly string[]) => {
      const bad = issuers.find((issuer) => !HTTPS.test(issuer));
      return bad === undefined
        ? undefined
        : `PYTHON_TRUSTED_ISSUERS: the issuer '${bad}' must be an https address.`;
    },
  },
  PYTHON_PUBLISHING_AUDIENCE: {
    schema: Type.String(),
    default: "",
    doc: "Audience of the tokens that trusted publishers show. Empty is the name of the host in `PYPI_API_HOSTNAME`.",
  },
});

const valuesOf = (ctx: Pick<Ctx, "settings">) =>
  ctx.settings as unknown as SettingValues<typeof publishingSettings>;

export const trustedIssuers = (ctx: Pick<Ctx, "settings">): readonly string[] =>
  valuesOf(ctx).PYTHON_TRUSTED_ISSUERS;

/** For whom a token has to be. */
export function publishingAudience(ctx: Pick<Ctx, "settings">): string {
  const { PYTHON_PUBLISHING_AUDIENCE: audience } = valuesOf(ctx);
  return audience === "" ? new URL(indexOrigin(ctx)).hostname : audience;
}
