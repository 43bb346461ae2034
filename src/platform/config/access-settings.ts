import { type Static, Type } from "@sinclair/typebox";
import { defineSettings } from "#base/settings.ts";

const text = Type.String();
const texts = Type.Array(Type.String());
const map = Type.Record(Type.String(), Type.Unknown());

const trustedIssuer = Type.Object(
  {
    issuer: Type.String({ minLength: 1 }),
    audience: Type.String({ minLength: 1 }),
    // Without a rule, everybody whom the issuer knows would be let in.
    claims: Type.Record(Type.String(), Type.String(), { minProperties: 1 }),
    user: Type.String({ minLength: 1 }),
    scopes: Type.Array(Type.String({ minLength: 1 }), { minItems: 1 }),
    domains: Type.Optional(texts),
    objects: Type.Optional(texts),
    lifetime: Type.Optional(Type.Integer({ minimum: 60, maximum: 3600 })),
  },
  { additionalProperties: false },
);

/** One entry of `OIDC_TRUSTED_ISSUERS`. */
export type TrustedIssuer = Static<typeof trustedIssuer>;

function issuerProblem({ issuer, claims }: TrustedIssuer): string | undefined {
  if (!/^https:|^http:\/\/(?:127\.\d+\.\d+\.\d+|\[::1\]|localhost)(?::|\/|$)/.test(issuer)) {
    return `OIDC_TRUSTED_ISSUERS: the issuer '${issuer}' must be an https address.`;
  }
  const isOpen = Object.values(claims).every((pattern) => /^\**$/.test(pattern));
  return isOpen
    ? `OIDC_TRUSTED_ISSUERS: the claims of '${issuer}' fit every token; say whose to take.`
    : undefined;
}

/** Who may come in (core-tasks-ops §16.3). */
export const accessSettings = defineSettings({
  ADMIN_USERS: {
    schema: Type.Array(Type.String({ minLength: 1 })),
    default: [],
    doc: "Names that `pulpcore-manager add-new-pulp-admin-users-3` makes superusers.",
  },
  AUTHENTICATION_BACKENDS: {
    schema: texts,
    default: [
      "django.contrib.auth.backends.ModelBackend",
      "pulpcore.backends.ObjectRolePermissionBackend",
    ],
    doc: "Where users come from. With `django.contrib.auth.backends.RemoteUserBackend` an unknown name that a proxy has authenticated becomes a user; with `pulpcore.app.authentication.PulpNoCreateRemoteUserBackend` only known names come in; with neither of them no header names a user.",
  },
  AUTH_PASSWORD_VALIDATORS: {
    schema: Type.Array(map),
    default: [
      "UserAttributeSimilarityValidator",
      "MinimumLengthValidator",
      "CommonPasswordValidator",
      "NumericPasswordValidator",
    ].map((name) => ({ NAME: `django.contrib.auth.password_validation.${name}` })),
    doc: "Accepted without effect: new passwords are always checked by these rules.",
  },
  REMOTE_USER_ENVIRON_NAME: {
    schema: text,
    default: "REMOTE_USER",
    doc: "Where `PulpRemoteUserAuthentication` finds the user's name: `HTTP_REMOTE_USER` is the request header `Remote-User`. Without `HTTP_` it is a variable of a web server that this one does not have, so nobody is recognised. See `TRUSTED_PROXIES`.",
  },
  REMOTE_USER_OPENAPI_SECURITY_SCHEME: {
    schema: map,
    default: { type: "mutualTLS" },
    doc: "Scheme that the API description advertises for it.",
  },
  AUTHENTICATION_JSON_HEADER: {
    schema: text,
    default: "",
    doc: "Request header that names the user, as `HTTP_X_NAME`: Base64 of JSON. See `TRUSTED_PROXIES`.",
    check: (value: string) =>
      value === "" || value.startsWith("HTTP_")
        ? undefined
        : `AUTHENTICATION_JSON_HEADER must start with 'HTTP_', got '${value}'.`,
  },
  AUTHENTICATION_JSON_HEADER_JQ_FILTER: {
    schema: text,
    default: "",
    doc: "Program of jq whose first result is the user's name; begins with a dot.",
    check: (value: string) =>
      value === "" || value.startsWith(".")
        ? undefined
        : `AUTHENTICATION_JSON_HEADER_JQ_FILTER must start with '.', got '${value}'.`,
  },
  AUTHENTICATION_JSON_HEADER_OPENAPI_SECURITY_SCHEME: {
    schema: map,
    default: {},
    doc: "Scheme that the API description advertises for it, and for the classes of `service` that read another part of such a header: how clients get past the gateway.",
  },
  ACCESS_POLICIES: {
    schema: map,
    default: {},
    doc: "Policies by address (`tasks`), each with `statements`, `creation_hooks` and `queryset_scoping`; they count when `AccessPolicyFromSettings` is the permission class.",
  },
  DRF_ACCESS_POLICY: {
    schema: map,
    default: {},
    doc: "Accepted without effect: conditions are built in.",
  },
  AUDIT_ENABLED: {
    schema: Type.Boolean(),
    default: true,
    doc: "Records every change made through the REST API in the audit trail.",
  },
  AUDIT_RETENTION_DAYS: {
    schema: Type.Integer({ minimum: 0, maximum: 36_500 }),
    default: 0,
    unit: "days",
    doc: "Age at which entries of the audit trail are removed, once a day; 0 is never.",
  },
  LOGIN_URL: {
    schema: text,
    default: "/auth/login/",
    doc: "Accepted without effect: the page of the browser log-in is at `/auth/login/`.",
  },
  OIDC_TRUSTED_ISSUERS: {
    schema: Type.Array(trustedIssuer),
    default: [],
    doc: "Whose OpenID Connect tokens `tokens/exchange/` takes: each entry has `issuer` (https, or http on loopback), `audience`, `claims` (name to text, in which `*` stands for anything; all have to fit), `user`, `scopes`, and optionally `domains`, `objects` and `lifetime` in seconds, 60 to 3600. The first entry that fits counts.",
    check: (entries: readonly TrustedIssuer[]) =>
      entries.map(issuerProblem).find((problem) => problem !== undefined),
  },
  LOGIN_REDIRECT_URL: {
    schema: text,
    default: "",
    doc: "Path that the browser log-in leads to when none was asked for; empty is the index of the API.",
  },
  SESSION_COOKIE_AGE: {
    schema: Type.Integer({ minimum: 1, maximum: 315_360_000 }),
    default: 1_209_600,
    unit: "seconds",
    doc: "How long a browser stays logged in.",
  },
  SESSION_COOKIE_SECURE: {
    schema: Type.Boolean(),
    default: false,
    doc: "Cookies for https only, always. Without it they are so when the request came by https, as far as the server can see (`TRUSTED_PROXIES`).",
  },
  SESSION_EXPIRE_AT_BROWSER_CLOSE: {
    schema: Type.Boolean(),
    default: false,
    doc: "The browser forgets its session when it closes.",
  },
  CSRF_TRUSTED_ORIGINS: {
    schema: texts,
    default: [],
    doc: "Origins besides our own whose pages may use a session: `https://ui.example`, `https://*.example`.",
  },
});
