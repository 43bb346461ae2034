import { boolean, FieldProblem, int32, list, remoteResource } from "#sdk";
import { PACKAGE_TYPES, PLATFORMS } from "../package-types.ts";
import { names } from "./names.ts";

const choices = (values: readonly string[]) =>
  list({ type: "string", enum: values }, { absent: () => [] });
const requirements = () => list({ type: "string" }, { absent: () => [] });

function checkCount(value: number): number {
  if (value < 0) throw new FieldProblem("Ensure this value is greater than or equal to 0.");
  if (value > 2_147_483_647)
    throw new FieldProblem("Ensure this value is less than or equal to 2147483647.");
  return value;
}

export const pythonRemoteResource = remoteResource({
  ...names("PythonRemote", "remotes/python/python", "python remote"),
  detail: "python_remote",
  policy: "on_demand",
  fields: {
    includes: requirements(),
    excludes: requirements(),
    prereleases: boolean({ absent: () => false }),
    package_types: choices(PACKAGE_TYPES),
    keep_latest_packages: int32({ default: 0, check: checkCount }),
    exclude_platforms: choices(PLATFORMS),
    provenance: boolean({ default: false }),
    vulnerabilities: boolean({ default: false }),
  },
});
