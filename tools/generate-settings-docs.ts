/**
 * Writes `docs/reference/settings.md` from the declared settings.
 *
 *   node tools/generate-settings-docs.ts [--check]
 */

import { shippedPlugins } from "#app/plugins.ts";
import type { SettingSpec, SettingSpecs } from "#base/settings.ts";
import { accessSettings } from "#platform/config/access-settings.ts";
import { advisorySettings } from "#platform/config/advisory-settings.ts";
import { compatSettings, foreignPluginSettings } from "#platform/config/compat-settings.ts";
import { contentSettings } from "#platform/config/content-settings.ts";
import { describeSchema } from "#platform/config/describe.ts";
import { redisSettings } from "#platform/config/redis-settings.ts";
import { scanSettings } from "#platform/config/scan-settings.ts";
import { serverSettings } from "#platform/config/server-settings.ts";
import { storageSettings } from "#platform/config/storage-settings.ts";
import { taskSettings } from "#platform/config/task-settings.ts";
import { telemetrySettings } from "#platform/config/telemetry-settings.ts";
import { keepFile } from "./keep-file.ts";

interface Chapter {
  readonly title: string;
  readonly text?: string;
  readonly settings: SettingSpecs;
}

const chapters: readonly Chapter[] = [
  { title: "Server", settings: serverSettings },
  { title: "Storage", settings: storageSettings },
  { title: "Access", settings: accessSettings },
  { title: "Content", settings: contentSettings },
  { title: "Tasks", settings: taskSettings },
  { title: "Redis", settings: redisSettings },
  { title: "Telemetry", settings: telemetrySettings },
  { title: "Malware scans", settings: scanSettings },
  { title: "Advisories", settings: advisorySettings },
  ...shippedPlugins.flatMap(({ label, settings }) =>
    settings && Object.keys(settings).length > 0 ? [{ title: `Plugin ${label}`, settings }] : [],
  ),
  {
    title: "Known, without effect",
    text: "Settings of a peer that are read, checked and otherwise left alone.",
    settings: { ...compatSettings, ...foreignPluginSettings },
  },
];

const intro = `# Settings

Generated from the declarations in \`src/platform/config/\`; \`npm run docs\` writes it anew.

Values come from, the later one wins: the defaults below; the file that Clowder writes, which says
where database, Redis and bucket are (\`/cdapp/cdappconfig.json\` or \`ACG_CONFIG\`); the files that
\`PULP_SETTINGS\` names, separated by commas (\`.py\` with assignments of literals, \`.toml\`,
\`.yaml\`, \`.json\`); environment variables \`PULP_<NAME>\`. Every value is checked: what is wrong stops the start with one sentence
each, and a name that does not exist is logged with the nearest one that does.

| In a variable | Means |
|---|---|
| \`PULP_WORKER_TTL=60\` | the setting \`WORKER_TTL\`; values are TOML literals, else plain text |
| \`PULP_DATABASES__default__HOST=db\` | one value inside a map; the rest of the map stays |
| \`@int 3\`, \`@float 3\`, \`@bool on\`, \`@str 007\`, \`@json {"a": 1}\`, \`@none\` | a value of that type |
| \`@format {env[HOME]}/{this.API_ROOT}\` | text with variables and other settings in it |
| \`@merge ['x']\`, \`@merge a,b\`, \`@merge {k=1}\`, \`@merge_unique ['x']\` | added to the list or map below |
| \`@insert 0 x\`, \`@del\`, \`@reset [1]\`, \`@empty\` | put into the list, taken away, replaced, left alone |

In files, \`dynaconf_merge\` (or \`dynaconf_merge_unique\`) as an item of a list or as a key with the
value \`true\` merges it with what is below. \`pulpcore-manager settings list\` shows what is in force,
\`settings inspect NAME\` where it comes from.

## One-command start

Only for \`npm start\`. Settings given explicitly win over what these imply.

| Variable | Flag | Default | Effect |
|---|---|---|---|
| \`DECKLE_HOME\` | \`--home\` | \`.deckle\` in the checkout | folder of all data; sets \`DEPLOY_ROOT\`, and holds the embedded database and the keys |
| \`DECKLE_ADMIN_PASSWORD\` | \`--admin-password\` | made up, printed once | password of \`admin\`, set only when that user is created |
| \`DECKLE_API_BIND\` | \`--api-bind\` | \`127.0.0.1:24817\` | address of the API |
| \`DECKLE_CONTENT_BIND\` | \`--content-bind\` | \`127.0.0.1:24816\` | address of the content app; sets \`CONTENT_ORIGIN\` |
| \`DECKLE_TASK_SLOTS\` | \`--task-slots\` | one per core, at least 2 | tasks at the same time; sets \`TASK_SLOTS\` |
| \`DATABASE_URL\` | – | – | a PostgreSQL of your own; \`PULP_DATABASES__default__…\` wins |
`;

await keepFile("docs/reference/settings.md", [intro, ...chapters.map(chapterText)].join("\n"));

function chapterText({ title, text, settings }: Chapter): string {
  const rows = Object.entries(settings).map(([name, spec]) => row(name, spec));
  const head = "| Setting | Value | Default | Meaning |\n|---|---|---|---|";
  return `## ${title}\n\n${text ? `${text}\n\n` : ""}${head}\n${rows.join("\n")}\n`;
}

function row(name: string, spec: SettingSpec): string {
  const unit = spec.unit ? `, ${spec.unit}` : "";
  const secret = spec.secret ? " Secret: never shown." : "";
  const value = `${describeSchema(spec.schema)}${unit}`;
  return `| \`${name}\` | ${cell(value)} | \`${cell(JSON.stringify(spec.default))}\` | ${cell(spec.doc)}${secret} |`;
}

/** A text inside a cell of a Markdown table. */
function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}
