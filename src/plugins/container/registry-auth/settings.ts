import { Type } from "@sinclair/typebox";
import { defineSettings, type SettingValues } from "#base/settings.ts";
import type { Ctx } from "#sdk";
import { ALGORITHMS } from "./algorithms.ts";

/** Who may use the registry, and how they show who they are (plugin-container §1.2). */
export const registryAuthSettings = defineSettings({
  TOKEN_AUTH_DISABLED: {
    schema: Type.Boolean(),
    default: false,
    doc: "Clients of the container registry send their user name and password with every request, instead of a token of the token server.",
  },
  TOKEN_SERVER: {
    schema: Type.Union([Type.String({ pattern: "^https?://[^?#]+$" }), Type.Null()]),
    default: null,
    doc: "Address of the token server as clients reach it, such as `https://registry.example.com/token/`. Without it clients are sent to `/token/` at the address that they used.",
  },
  TOKEN_SIGNATURE_ALGORITHM: {
    schema: Type.Union(ALGORITHMS.map((name) => Type.Literal(name))),
    default: "ES256",
    doc: "Algorithm that tokens of the container registry are signed with. It has to fit the keys, where `PRIVATE_KEY_PATH` names them.",
  },
  PRIVATE_KEY_PATH: {
    schema: Type.String(),
    default: "",
    doc: "File with the private key (PEM) that signs tokens. Without it keys are made, kept encrypted in the database, and replaced when they are `TOKEN_KEY_LIFETIME` old.",
  },
  PUBLIC_KEY_PATH: {
    schema: Type.String(),
    default: "",
    doc: "File with the public key (PEM) to `PRIVATE_KEY_PATH`. Tokens that were signed with further keys in it are still accepted, so that keys can be replaced while the registry runs.",
  },
  TOKEN_EXPIRATION_TIME: {
    schema: Type.Integer({ minimum: 1 }),
    default: 300,
    unit: "seconds",
    doc: "How long a token of the container registry is valid.",
  },
  TOKEN_KEY_LIFETIME: {
    schema: Type.Integer({ minimum: 1 }),
    default: 90,
    unit: "days",
    doc: "A signing key of the container registry that was made by the server is replaced after this time.",
  },
  REGISTRY_LOG_IN_LIFETIME: {
    schema: Type.Integer({ minimum: 0 }),
    default: 90,
    unit: "days",
    doc: "How long `docker login` lasts: the client gets an API token for the registry in place of the password. With 0 it gets none and keeps the password.",
  },
  REGISTRY_ANONYMOUS_PULL: {
    schema: Type.Boolean(),
    default: false,
    doc: "With `TOKEN_AUTH_DISABLED`: `/v2/` always answers clients that are not logged in. Otherwise it does so while there is a repository that everybody may pull.",
  },
});

export type RegistryAuthSettings = SettingValues<typeof registryAuthSettings>;

/** The loader fills the tables of every plugin; the type of `ctx.settings` knows the core's only. */
export const registryAuthSettingsOf = ({ settings }: Pick<Ctx, "settings">): RegistryAuthSettings =>
  settings as Ctx["settings"] & RegistryAuthSettings;
