import { hostname } from "node:os";
import { Type } from "@sinclair/typebox";
import { defineSettings, type SettingValues } from "#base/settings.ts";
import type { Ctx } from "#sdk";

/** What the plugin can be told (plugin-python §1). */
export const pythonSettings = defineSettings({
  PYPI_API_HOSTNAME: {
    schema: Type.String({ pattern: "^(https?://[^/?#]+/*)?$" }),
    default: "",
    doc: "Origin of the addresses of Python indexes, such as `https://pypi.example.com`. Empty is `https://` and the name of the host.",
  },
  PYPI_PATH_PREFIX: {
    schema: Type.String(),
    default: "/pypi/",
    doc: "Path below which Python indexes are served.",
  },
  PYTHON_GROUP_UPLOADS: {
    schema: Type.Boolean(),
    default: false,
    doc: "Uploads of one session to an index become one repository version.",
  },
  PYTHON_INDEX_CACHE_BYTES: {
    schema: Type.Integer({ minimum: 0 }),
    default: 67_108_864,
    unit: "bytes",
    doc: "Finished pages of Python indexes that one API process keeps; 0 keeps none.",
  },
  ATTESTATION_VERIFICATION_KEY: {
    schema: Type.Union([Type.String(), Type.Null()]),
    default: null,
    doc: "File with the public key (PEM) that verifies attestations without a certificate. Without it such attestations are accepted once their subject is right, and a warning is logged.",
  },
  ATTESTATION_REQUIRE_SIGNER: {
    schema: Type.Boolean(),
    default: false,
    doc: "Refuses attestations without a certificate while `ATTESTATION_VERIFICATION_KEY` is not set.",
  },
});

type PythonSettings = SettingValues<typeof pythonSettings>;

/** The loader fills the tables of every plugin; the type of `ctx.settings` knows the core's only. */
export const pythonSettingsOf = ({ settings }: Pick<Ctx, "settings">): PythonSettings =>
  settings as Ctx["settings"] & PythonSettings;

/** Origin of the addresses of indexes, without a slash at its end. */
export function indexOrigin(ctx: Pick<Ctx, "settings">): string {
  const { PYPI_API_HOSTNAME: origin } = pythonSettingsOf(ctx);
  return origin === "" ? `https://${hostname()}` : origin.replace(/\/+$/, "");
}

/** Path of indexes with one slash at both ends. */
export function indexPrefix(ctx: Pick<Ctx, "settings">): string {
  const path = pythonSettingsOf(ctx).PYPI_PATH_PREFIX.replace(/^\/+|\/+$/g, "");
  return path === "" ? "/" : `/${path}/`;
}
