import { fieldError } from "#base/errors.ts";
import {
  type Action,
  boolean,
  choice,
  createFrom,
  FieldProblem,
  int32,
  list,
  type Resource,
  remoteResource,
  text,
} from "#sdk";
import { parseBandersnatch } from "../format/bandersnatch.ts";
import { PACKAGE_TYPES, PLATFORMS } from "../package-types.ts";
import { names } from "./names.ts";
import { requirements } from "./requirements.ts";

const choices = (values: readonly string[]) =>
  list({ type: "string", enum: values }, { absent: () => [] });
function checkCount(value: number): number {
  if (value < 0) throw new FieldProblem("Ensure this value is greater than or equal to 0.");
  if (value > 2_147_483_647)
    throw new FieldProblem("Ensure this value is less than or equal to 2147483647.");
  return value;
}

/** Configurations of mirrors are a few pages, lists of projects among them. */
const MAX_CONFIG_BYTES = 4 * 1024 * 1024;

interface ConfigFile {
  readonly file: {
    readonly sizeBytes: number;
    read(start: number, length: number): Promise<Buffer>;
  };
}

async function readConfig({ file }: ConfigFile) {
  if (file.sizeBytes > MAX_CONFIG_BYTES)
    throw fieldError("config", `The file is larger than ${MAX_CONFIG_BYTES} bytes.`);
  const text = (await file.read(0, file.sizeBytes)).toString("utf8");
  try {
    const { url, ...remote } = parseBandersnatch(text);
    if (url === undefined) throw new SyntaxError("[mirror] has no master.");
    return { ...remote, url };
  } catch (error) {
    if (error instanceof SyntaxError) throw fieldError("config", error.message);
    throw error;
  }
}

/** Makes a remote of the configuration of another mirror (plugin-python §8). */
const fromBandersnatch: Action = {
  name: "from_bandersnatch",
  method: "POST",
  on: "collection",
  body: {
    schema: "PythonBanderRemote",
    hasFile: true,
    fields: {
      config: { schema: { type: "string", format: "binary" }, writeOnly: true, required: true },
      name: text({ required: true }),
      policy: choice(["immediate", "on_demand", "streamed"], { default: "on_demand" }),
    },
  },
  answers: { 201: "python.PythonRemoteResponse" },
  async run(call, { config, name, policy }) {
    const remote = await readConfig(config as ConfigFile);
    const values = { ...remote, name: String(name), policy: String(policy) };
    return createFrom(pythonRemoteResource, call, values);
  },
};

export const pythonRemoteResource: Resource = remoteResource({
  ...names("PythonRemote", "remotes/python/python", "python remote"),
  detail: "python_remote",
  policy: "on_demand",
  fields: {
    includes: requirements("includes"),
    excludes: requirements("excludes"),
    prereleases: boolean({ absent: () => false }),
    package_types: choices(PACKAGE_TYPES),
    keep_latest_packages: int32({ default: 0, check: checkCount }),
    exclude_platforms: choices(PLATFORMS),
    provenance: boolean({ default: false }),
    vulnerabilities: boolean({ default: false }),
    minimum_release_age_hours: int32({ default: 0, check: checkCount }),
  },
  actions: [fromBandersnatch],
});
