import { boolean, datetime, integer, list, object, text } from "../kit/fields.ts";
import type { Field, Schemas } from "../kit/resource.ts";

const uri = (required = true): Field => ({ schema: { type: "string", format: "uri" }, required });
const ref = (name: string, required = true): Field => ({ schema: { ref: name }, required });
const refs = (name: string): Field => list({ ref: name }, { required: true });
const versions: Field = {
  schema: { type: "object", additionalProperties: { type: "string", nullable: true } },
  readOnly: true,
};
const counts: Field = {
  schema: { type: "object", additionalProperties: { type: "object" } },
  required: true,
};
const bytes = (): Field => integer({ nullable: true, required: true }, { minimum: 0 });

/** Label keys as the baseline publishes them; more is accepted (core-rest §2.4). */
export const labelKey: Field = {
  schema: { type: "string", pattern: "^[-a-zA-Z0-9_]+$" },
  accepts: { type: "string" },
  required: true,
};

/** Users and groups of one role, by name. */
export const nestedRole = {
  users: list({ type: "string" }, { default: [] }),
  groups: list({ type: "string" }, { default: [] }),
  role: text({ required: true }),
} as const;

const progress = {
  message: text({ readOnly: true }),
  code: text({ readOnly: true }),
} as const;

/** Answers that several resources share, or that no resource owns. */
export const coreSchemas: Schemas = {
  AsyncOperationResponse: { task: uri() },
  TaskGroupOperationResponse: { task_group: uri() },
  SetLabelResponse: { key: labelKey, value: text({ nullable: true, required: true }) },
  UnsetLabelResponse: { key: labelKey, value: text({ readOnly: true, mayBeNull: true }) },
  NestedRoleResponse: nestedRole,
  ObjectRolesResponse: { roles: refs("NestedRoleResponse") },
  MyPermissionsResponse: { permissions: list({ type: "string" }, { required: true }) },
  ProgressReportResponse: {
    ...progress,
    state: text({ readOnly: true }),
    total: integer({ readOnly: true, mayBeNull: true }),
    done: integer({ readOnly: true }),
    suffix: text({ readOnly: true, nullable: true }),
  },
  GroupProgressReportResponse: {
    ...progress,
    total: integer({ readOnly: true }),
    done: integer({ readOnly: true }),
    suffix: text({ readOnly: true, nullable: true }),
  },
  ProfileArtifactResponse: {
    urls: {
      schema: { type: "object", additionalProperties: { type: "string", format: "uri" } },
      required: true,
    },
  },
  ContentSummaryResponse: { added: counts, removed: counts, present: counts },
  UploadChunkResponse: {
    offset: integer({ readOnly: true }),
    size: integer({ readOnly: true }),
  },
  UserGroupResponse: {
    name: text({ required: true }, { maxLength: 150 }),
    pulp_href: { ...uri(false), readOnly: true },
    prn: text({ readOnly: true }),
  },
  StatusResponse: {
    versions: refs("VersionResponse"),
    online_workers: refs("AppStatusResponse"),
    online_api_apps: refs("AppStatusResponse"),
    online_content_apps: refs("AppStatusResponse"),
    database_connection: ref("DatabaseConnectionResponse"),
    redis_connection: ref("RedisConnectionResponse", false),
    storage: { ...ref("StorageResponse", false), mayBeNull: true },
    content_settings: ref("ContentSettingsResponse"),
    domain_enabled: boolean({ required: true }),
  },
  VersionResponse: {
    component: text({ required: true }),
    version: text({ required: true }),
    package: text({ required: true }),
    module: text({ required: true }),
    domain_compatible: boolean({ required: true }),
  },
  AppStatusResponse: {
    name: text({ readOnly: true }),
    last_heartbeat: datetime({ readOnly: true }),
    versions,
  },
  DatabaseConnectionResponse: { connected: boolean({ required: true }) },
  RedisConnectionResponse: { connected: boolean({ required: true }) },
  StorageResponse: { total: bytes(), used: bytes(), free: bytes() },
  ContentSettingsResponse: {
    content_origin: text({ nullable: true }),
    content_path_prefix: text({ required: true }),
  },
};

/** `versions` of an app record. */
export const appVersions: Field = { ...versions, sql: "e.versions" };

/** A free object that is shown and never set. */
export const shownObject = (): Field => object({ readOnly: true, mayBeNull: true });
