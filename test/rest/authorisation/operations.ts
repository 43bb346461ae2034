import assert from "node:assert/strict";
import { ownDescription } from "../../../tools/own-description.ts";
import { CONTAINER } from "./container-expectations.ts";
import { OTHERS, type Rule, VIEWSETS, type Viewset } from "./expectations.ts";

/** An operation of the description, and what the table says of it. */
export interface Operation {
  readonly id: string;
  /** In capitals. */
  readonly method: string;
  /** What its path starts with: the name of the viewset whose object that is; undefined if none. */
  readonly object: string | undefined;
  /** The path, or what follows the object. */
  readonly path: string;
  /** Name of its viewset; undefined of an operation that stands alone. */
  readonly viewset: string | undefined;
  readonly action: string;
  readonly rule: Rule;
}

const METHODS = ["get", "post", "put", "patch", "delete"] as const;
const NAMES: Readonly<Record<string, string>> = { retrieve: "read", destroy: "delete" };
const EXCEPTIONS: Readonly<Record<string, string>> = {
  tasks_partial_update: "tasks_cancel",
  task_groups_partial_update: "task_groups_cancel",
};

/** Addresses beside the API, whose rules are about distributions: tests of their plugins ask those. */
const SITES = ["/pypi/", "/token/"];

interface Expected extends Pick<Operation, "viewset" | "action" | "rule"> {
  readonly id: string;
}

function operationId(viewset: string, action: string): string {
  const id = `${viewset.replaceAll(/[/-]/g, "_")}_${NAMES[action] ?? action}`;
  return EXCEPTIONS[id] ?? id;
}

const ofViewset = ([viewset, { rules }]: readonly [string, Pick<Viewset, "rules">]): Expected[] =>
  Object.entries(rules).map(([action, rule]) => ({
    ...{ viewset, action, rule },
    id: operationId(viewset, action),
  }));

/** By operation id. */
const expected: ReadonlyMap<string, Expected> = new Map(
  [
    ...Object.entries(VIEWSETS).flatMap(ofViewset),
    ...Object.entries(CONTAINER).flatMap(([viewset, rules]) => ofViewset([viewset, { rules }])),
    ...Object.entries(OTHERS).map(([id, rule]) => ({ id, viewset: undefined, action: id, rule })),
  ].map((one) => [one.id, one]),
);

/** Operations whose rules are about namespaces: `test/plugins/container/access.test.ts` asks those. */
const isOfRegistry = ({ viewset }: Pick<Operation, "viewset">): boolean =>
  viewset !== undefined && viewset in CONTAINER;

/** Every operation that the matrix asks. */
export const operations = (): readonly Operation[] =>
  allOperations().filter((one) => !isOfRegistry(one));

/** Every operation of the description with domains. @throws if the table lacks one, or has more. */
export function allOperations(): readonly Operation[] {
  const { paths } = ownDescription({ domainEnabled: true });
  const api = Object.entries(paths as Readonly<Record<string, unknown>>).filter(
    ([path]) => !SITES.some((prefix) => path.startsWith(prefix)),
  );
  const all = api.flatMap(([path, item]) =>
    METHODS.flatMap((method) => {
      const id = (item as Readonly<Record<string, { operationId: string }>>)[method]?.operationId;
      return id === undefined ? [] : [{ path, id, method: method.toUpperCase() }];
    }),
  );
  const ids = all.map(({ id }) => id);
  const silent = ids.filter((id) => !expected.has(id));
  assert.deepEqual(silent, [], "the table does not say who may do this");
  const idle = [...expected.keys()].filter((id) => !ids.includes(id));
  assert.deepEqual(idle, [], "the table speaks of what is not in the description");
  /** Name of an href in braces → viewset of the operations right there. */
  const owners = new Map(all.map(({ path, id }) => [path, expected.get(id)?.viewset]));
  return all.map(({ path, id, method }) => {
    const known = expected.get(id) as Expected;
    const reference = /^\{[^}]*\}/.exec(path)?.[0];
    if (reference === undefined) return { ...known, method, object: undefined, path };
    const object = owners.get(reference);
    assert.ok(object, `nothing stands at ${reference}`);
    return { ...known, method, object, path: path.slice(reference.length) };
  });
}
