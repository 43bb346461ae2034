import type { JsonObject } from "#base/json.ts";
import { FILE_SYSTEM, GCS, OCI_CLASSES, SFTP_CLASSES } from "./storage-classes.ts";

/**
 * What one option of a store alone cannot tell.
 *
 * @returns why the options are wrong together; undefined if they are not.
 */
export function optionsProblem(className: string, options: JsonObject): string | undefined {
  if (className === FILE_SYSTEM) return folderProblem(String(options.location));
  if (className === GCS) return googleProblem(options);
  if (OCI_CLASSES.includes(className)) return registryProblem(options);
  return SFTP_CLASSES.includes(className) ? sftpProblem(options) : undefined;
}

function folderProblem(location: string): string | undefined {
  const isFolder =
    location.startsWith("/") && location.length <= 4096 && !location.split("/").includes("..");
  return location === "" || isFolder ? undefined : "location must be an absolute path";
}

const REGISTRY = /^(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?|\[[0-9a-f:]+\])(?::\d{1,5})?$/i;
const PART = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*";
/** OCI distribution-spec v1.1, names of repositories. */
const REPOSITORY = new RegExp(`^${PART}(?:/${PART})*$`);

function registryProblem({ registry, repository }: JsonObject): string | undefined {
  if (!REGISTRY.test(String(registry)))
    return "registry must be a host, with a port if it is a special one";
  const name = String(repository);
  return name.length <= 255 && REPOSITORY.test(name)
    ? undefined
    : "repository must be a path of names in lower case";
}

/** What Google signs for at most. */
const WEEK_SECONDS = 604_800;

function googleProblem(options: JsonObject): string | undefined {
  const { expiration, credentials, api_endpoint, custom_endpoint } = options;
  const seconds = Number(expiration);
  if (seconds < 1 || seconds > WEEK_SECONDS)
    return `expiration must be between 1 and ${WEEK_SECONDS} seconds`;
  for (const [name, value] of Object.entries({ api_endpoint, custom_endpoint })) {
    if (value && !/^https?:\/\/[^/?#@]+\/?$/.test(String(value)))
      return `${name} must be the address of a server`;
  }
  // Accounts of other kinds name files and commands of the machine that they are read on.
  return credentials && !isServiceAccount(credentials as JsonObject)
    ? "credentials must be those of a service account"
    : undefined;
}

const isServiceAccount = ({ type, client_email, private_key }: JsonObject): boolean =>
  type === "service_account" && typeof client_email === "string" && typeof private_key === "string";

const PARAMETERS: Readonly<Record<string, "string" | "number">> = {
  ...{ username: "string", password: "string", port: "number" },
  ...{ key_filename: "string", passphrase: "string" },
};

function sftpProblem({ params }: JsonObject): string | undefined {
  const given = Object.entries(params as JsonObject);
  const wrong = given.find(([name, value]) => typeof value !== PARAMETERS[name]);
  if (wrong) {
    const known = Object.entries(PARAMETERS).map(([name, type]) => `${name} (${type})`);
    return `params.${wrong[0]} is none of ${known.join(", ")}`;
  }
  return given.some(([name]) => name === "username") ? undefined : "params must have a username";
}
