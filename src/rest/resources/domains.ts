import type { Json, JsonObject } from "#base/json.ts";
import { boolean, choice, labels, object, text } from "../kit/fields.ts";
import { labelSelect } from "../kit/filters/label-select.ts";
import { NAME, textFilters } from "../kit/filters/lookups.ts";
import { defineResource, type Row } from "../kit/resource.ts";
import type { View } from "../kit/view.ts";
import { labelActions } from "./label-actions.ts";

const FILE_SYSTEM = "pulpcore.app.models.storage.FileSystem";
const STORAGE_CLASSES = [
  FILE_SYSTEM,
  "storages.backends.azure_storage.AzureStorage",
  "storages.backends.s3boto3.S3Boto3Storage",
] as const;

/** Options that are set and never shown, by storage class. */
const SECRET_OPTIONS: Readonly<Record<string, readonly string[]>> = {
  "storages.backends.azure_storage.AzureStorage": ["account_name", "account_key"],
  "storages.backends.s3boto3.S3Boto3Storage": [
    ...["access_key", "secret_key", "security_token", "cloudfront_key"],
  ],
};

/** The default domain's store is that of the settings. */
const defaultSettings = ({ ctx: { settings } }: View): JsonObject => ({
  location: settings.MEDIA_ROOT,
  base_url: "",
  file_permissions_mode: settings.FILE_UPLOAD_PERMISSIONS,
  directory_permissions_mode: settings.FILE_UPLOAD_DIRECTORY_PERMISSIONS,
  hidden_fields: [],
});

/** Options are stored as one token each; secrets only say whether they are set. */
function storageSettings(row: Row, view: View): Json {
  const stored = (row.storage_settings ?? {}) as Readonly<Record<string, string>>;
  if (row.name === "default" && Object.keys(stored).length === 0) return defaultSettings(view);
  const secrets = SECRET_OPTIONS[String(row.storage_class)] ?? [];
  const open = (token: string): Json => JSON.parse(view.ctx.secrets.open(token));
  const shown = Object.entries(stored).filter(([name]) => !secrets.includes(name));
  const hidden = secrets.map((name) => ({ name, is_set: isSet(stored[name], open) }));
  return {
    ...Object.fromEntries(shown.map(([name, token]) => [name, open(token)])),
    hidden_fields: hidden,
  };
}

function isSet(token: string | undefined, open: (token: string) => Json): boolean {
  if (token === undefined) return false;
  const value = open(token);
  return value !== null && value !== "";
}

export const domain = defineResource({
  path: "domains",
  label: "core",
  model: "Domain",
  title: "domain",
  key: "uuid",
  source: { from: "domain e", domain: null },
  fields: {
    name: text({ required: true }, { maxLength: 50, pattern: "^[-a-zA-Z0-9_]+$", title: "slug" }),
    description: text({ nullable: true }),
    pulp_labels: labels,
    storage_class: choice(STORAGE_CLASSES, { required: true }),
    storage_settings: object({ required: true, read: storageSettings }),
    redirect_to_object_storage: boolean({ default: true }),
    hide_guarded_distributions: boolean({ default: false }),
  },
  filters: {
    ...textFilters("name", "e.name", NAME),
    pulp_label_select: labelSelect(),
  },
  orderings: {
    description: "e.description",
    hide_guarded_distributions: "e.hide_guarded_distributions",
    name: "e.name",
    pulp_created: "e.created",
    pulp_id: "e.id",
    pulp_labels: "e.labels",
    pulp_last_updated: "e.updated",
    redirect_to_object_storage: "e.redirect_to_object_storage",
    storage_class: "e.storage_class",
    // Published, but tokens have no order that means anything.
    storage_settings: "(e.storage_settings is null)",
  },
  operations: { list: true, read: true },
  actions: labelActions("domain"),
});
