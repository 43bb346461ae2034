import { Type } from "@sinclair/typebox";
import { defineSettings } from "#base/settings.ts";

const text = Type.String();
const texts = Type.Array(Type.String());
const map = Type.Record(Type.String(), Type.Unknown());

/** Who may come in (core-tasks-ops §16.3). */
export const accessSettings = defineSettings({
  AUTHENTICATION_BACKENDS: {
    schema: texts,
    default: [
      "django.contrib.auth.backends.ModelBackend",
      "pulpcore.backends.ObjectRolePermissionBackend",
    ],
    doc: "Accepted without effect yet: users and roles of the database are asked.",
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
    doc: "Variable with the user's name; `HTTP_REMOTE_USER` is the request header `Remote-User`.",
  },
  REMOTE_USER_OPENAPI_SECURITY_SCHEME: {
    schema: map,
    default: { type: "mutualTLS" },
    doc: "Scheme that the API description advertises for it.",
  },
  AUTHENTICATION_JSON_HEADER: {
    schema: text,
    default: "",
    doc: "Request header that names the user, as `HTTP_X_NAME`.",
    check: (value: string) =>
      value === "" || value.startsWith("HTTP_")
        ? undefined
        : `AUTHENTICATION_JSON_HEADER must start with 'HTTP_', got '${value}'.`,
  },
  AUTHENTICATION_JSON_HEADER_JQ_FILTER: {
    schema: text,
    default: "",
    doc: "Path of the name inside that header; begins with a dot.",
    check: (value: string) =>
      value === "" || value.startsWith(".")
        ? undefined
        : `AUTHENTICATION_JSON_HEADER_JQ_FILTER must start with '.', got '${value}'.`,
  },
  AUTHENTICATION_JSON_HEADER_OPENAPI_SECURITY_SCHEME: {
    schema: map,
    default: {},
    doc: "Scheme that the API description advertises for it.",
  },
  ACCESS_POLICIES: {
    schema: map,
    default: {},
    doc: "Accepted without effect yet: policies by URL pattern.",
  },
  DRF_ACCESS_POLICY: {
    schema: map,
    default: {},
    doc: "Accepted without effect: conditions are built in.",
  },
  LOGIN_URL: { schema: text, default: "/auth/login/", doc: "Page of the browser log-in." },
  LOGIN_REDIRECT_URL: {
    schema: text,
    default: "/accounts/profile/",
    doc: "Accepted without effect.",
  },
});
