import { FieldProblem, list, remoteResource, text, type Values } from "#sdk";
import { isPlatform } from "../mirror/platforms.ts";
import { GLOB } from "./globs.ts";
import { names } from "./names.ts";

const globs = (more: object = {}) => list(GLOB, { nullable: true, ...more });

/** Base URL of a store of signatures. */
function checkSigstore(value: string): string {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (!url || !["http:", "https:"].includes(url.protocol))
    throw new FieldProblem("Enter a valid URL.");
  if (url.username !== "" || url.password !== "")
    throw new FieldProblem("The url cannot contain embedded credentials.");
  return value;
}

const MOST_PLATFORMS = 50;

function checkPlatforms(values: readonly string[]): readonly string[] {
  if (values.length > MOST_PLATFORMS)
    throw new FieldProblem(`Ensure this field has no more than ${MOST_PLATFORMS} elements.`);
  const wrong = values.find((value) => !isPlatform(value));
  if (wrong === undefined) return values;
  throw new FieldProblem(`'${wrong}' is no platform such as linux/amd64 or linux/arm/v7.`);
}

/** Older clients know the filters under other names, and add to what the newer ones say. */
const OLDER = { includes: "include_tags", excludes: "exclude_tags" } as const;

/** An empty list is no filter; so a client that gives one takes the filter away. */
function filtersOf(values: Values): Values {
  const { include_tags: _, exclude_tags: _more, ...columns } = values;
  const filters = Object.entries(OLDER).flatMap(([name, older]) => {
    if (!(name in values) && !(older in values)) return [];
    const all = [name, older].flatMap((key) => (values[key] ?? []) as readonly string[]);
    return [[name, all.length > 0 ? all : null] as const];
  });
  return { ...columns, ...Object.fromEntries(filters) };
}

export const containerRemoteResource = remoteResource({
  ...names("ContainerRemote", "remotes/container/container", {
    title: "container remote",
    type: "container.container",
  }),
  detail: "container_remote",
  fields: {
    upstream_name: text({ required: true }),
    includes: globs(),
    excludes: globs(),
    include_tags: globs({ sql: "d.includes" }),
    exclude_tags: globs({ sql: "d.excludes" }),
    platforms: list(
      { type: "string", minLength: 1, maxLength: 98 },
      { nullable: true, check: checkPlatforms },
    ),
    sigstore: {
      ...text({ mayBeNull: true, check: checkSigstore }, { format: "uri", minLength: 1 }),
      accepts: { type: "string", nullable: true },
    },
  },
  toDetail: filtersOf,
});

export const pullThroughRemoteResource = remoteResource({
  ...names("ContainerPullThroughRemote", "remotes/container/pull-through", {
    title: "container pull through remote",
    type: "container.pull-through",
  }),
  detail: "container_pull_through_remote",
  policy: "on_demand",
  policies: ["on_demand"],
  fields: { includes: globs(), excludes: globs() },
  toDetail: filtersOf,
});
