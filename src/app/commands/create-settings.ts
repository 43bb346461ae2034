import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { stringify } from "yaml";
import { randomText } from "#core/access/passwords.ts";
import type { Settings } from "#platform/config/settings.ts";
import { generateFernetKey } from "#platform/crypto/fernet.ts";
import { ensurePrivateFile } from "#platform/crypto/key-file.ts";
import { type KubernetesObject, openKubernetes } from "#platform/kubernetes/kubernetes.ts";
import { configure } from "../configure.ts";
import { appErrors } from "../errors.ts";
import { type Command, print } from "./command.ts";
import { edgeObjects } from "./edge-objects.ts";

/** Secrets that an installation begins with; a test compares them with what the manifests mount. */
interface NewSecret {
  readonly name: string;
  readonly key: string;
  /** Below the folder of `--folder`. */
  readonly file: string;
  make(): string;
}

const secrets: readonly NewSecret[] = [
  {
    name: "pulp-db-fields-encryption",
    key: "database_fields.symmetric.key",
    file: "keys/database_fields.symmetric.key",
    make: () => `${generateFernetKey()}\n`,
  },
  {
    name: "pulp-settings",
    key: "settings.py",
    file: "settings.py",
    make: () => `SECRET_KEY = "${randomBytes(48).toString("base64url")}"\n`,
  },
  {
    name: "pulp-admin-password",
    key: "password",
    file: "pulp-admin-password",
    make: () => randomText(32),
  },
  {
    name: "pulp-content-sources-password",
    key: "password",
    file: "pulp-content-sources-password",
    make: () => randomText(32),
  },
];

export const createSettingsCommand: Command = {
  name: "create-settings-and-ingress",
  usage:
    "[--folder FOLDER | --print] [--ingress route|ingress|none] [--host NAME] [--account FOLDER]",
  summary:
    "Makes key, settings and passwords of a new installation and its ways in; keeps what there is.",
  options: {
    folder: { type: "string" },
    print: { type: "boolean" },
    ingress: { type: "string" },
    host: { type: "string" },
    account: { type: "string" },
  },
  async run({ on, text }) {
    if (on.print && text.folder !== undefined) {
      throw appErrors.usage("--folder and --print exclude each other.");
    }
    if (text.folder !== undefined) return writeFiles(text.folder);
    const { settings } = configure();
    const host = text.host ?? originHost(settings);
    const edges = edgeObjects(text.ingress ?? "route", { host, settings });
    const objects = [...secrets.map(secretObject), ...edges];
    return on.print ? printObjects(objects) : createObjects(objects, text.account);
  },
};

/** Clients reach both servers under the host of the content app. */
const originHost = ({ CONTENT_ORIGIN: origin }: Settings): string =>
  origin && URL.canParse(origin) ? new URL(origin).hostname : "";

const secretObject = ({ name, key, make }: NewSecret): KubernetesObject => ({
  ...{ apiVersion: "v1", kind: "Secret", type: "Opaque" },
  metadata: { name, labels: { app: "pulp" } },
  stringData: { [key]: make() },
});

async function writeFiles(folder: string): Promise<number> {
  for (const { file, make } of secrets) {
    const path = join(folder, file);
    const isNew = await ensurePrivateFile(path, make);
    print(`${isNew ? "Made" : "Kept"} ${path}.`);
  }
  return 0;
}

function printObjects(objects: readonly KubernetesObject[]): number {
  print(objects.map((object) => stringify(object).trimEnd()).join("\n---\n"));
  return 0;
}

/** @param account folder of the pod's service account; where pods have it without one */
async function createObjects(
  objects: readonly KubernetesObject[],
  account?: string,
): Promise<number> {
  await using kubernetes = await openKubernetes(process.env, account);
  for (const object of objects) {
    const isNew = await kubernetes.create(object);
    const title = `${object.kind} ${object.metadata.name} in ${kubernetes.namespace}`;
    print(`${isNew ? "Made" : "Kept"} ${title}.`);
  }
  return 0;
}
