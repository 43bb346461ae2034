import { sendOutcome, sendRow, sendText } from "./answer.ts";
import type { ApiIndex } from "./api-index.ts";
import { readBody } from "./body.ts";
import type { Call } from "./call.ts";
import type { GeneralTasks } from "./general-tasks.ts";
import { listAnswer } from "./list.ts";
import { parseBody } from "./parse.ts";
import { checkKeys, type KeyPath, readRow } from "./read.ts";
import type { Action, Endpoint, Resource, Row } from "./resource.ts";
import { createObject, deleteObject, runAction, updateObject } from "./write.ts";

export interface RouteOperation {
  readonly method: string;
  /** Action name that the permission question carries. */
  readonly permission: string;
  readonly isPublic?: boolean;
  readonly isDetached?: boolean;
  run(call: Call, parameters: Readonly<Record<string, string>>): Promise<unknown>;
}

/** One path of the API and what each method does there. */
export interface Route {
  /** Below the API root, with `:key` parameters; `site` routes begin with a slash. */
  readonly path: string;
  /** `domain` below the domain only, `both` below and beside it, `site` outside the API root. */
  readonly scope: "domain" | "both" | "site";
  /** Name of its policy: the path without keys. */
  readonly name: string;
  readonly operations: readonly RouteOperation[];
}

/** Every route of the resources and endpoints; `tasks` does the asynchronous writes. */
export function routesOf(api: ApiIndex, tasks: GeneralTasks): Route[] {
  const routes = new Map<string, Route>();
  const add = (route: Route): void => {
    const known = routes.get(route.path);
    routes.set(
      route.path,
      known ? { ...known, operations: [...known.operations, ...route.operations] } : route,
    );
  };
  for (const endpoint of api.parts.endpoints) add(endpointRoute(endpoint));
  for (const resource of api.parts.resources) {
    for (const route of resourceRoutes(resource, tasks)) add(route);
  }
  return [...routes.values()].filter(({ operations }) => operations.length > 0);
}

function endpointRoute(endpoint: Endpoint): Route {
  const { path, method, body, isPublic = false, isDetached = false } = endpoint;
  return {
    path: `${path}/`,
    scope: isPublic ? "both" : "domain",
    name: path,
    operations: [
      {
        method,
        permission: method.toLowerCase(),
        isPublic,
        isDetached,
        async run(call) {
          if (!body) return sendOutcome(call, await endpoint.run(call, {}));
          await using raw = await readBody(call, body);
          const values = await parseBody(call, raw, {
            ...body,
            isPartial: body.isPartial ?? false,
          });
          return await sendOutcome(call, await endpoint.run(call, values));
        },
      },
    ],
  };
}

const collectionPath = ({ parent, path }: Resource): string =>
  parent ? `${parent.path}/:parent/${path}/` : `${path}/`;

const policyName = ({ parent, path }: Resource): string =>
  parent ? `${parent.path}/${path}` : path;

function resourceRoutes(resource: Resource, tasks: GeneralTasks): Route[] {
  const collection = collectionPath(resource);
  const base = { scope: "domain", name: policyName(resource) } as const;
  const actions = resource.actions ?? [];
  return [
    { ...base, path: collection, operations: collectionOperations(resource, tasks) },
    { ...base, path: `${collection}:key/`, operations: objectOperations(resource, tasks) },
    ...actions.map((action) => ({
      ...base,
      path: actionPath(collection, action),
      operations: [actionOperation(resource, action)],
    })),
  ];
}

function actionPath(collection: string, { on, name, path = name }: Action): string {
  const object = on === "object" ? `${collection}:key/` : collection;
  return path === "" ? object : `${object}${path}/`;
}

function collectionOperations(resource: Resource, tasks: GeneralTasks): RouteOperation[] {
  const { list, create } = resource.operations;
  const operations: RouteOperation[] = [];
  if (list) {
    operations.push({
      method: "GET",
      permission: "list",
      async run(call, { parent }) {
        if (parent !== undefined) await checkParent(resource, call, parent);
        return sendText(call.reply, 200, await listAnswer(resource, call, parent));
      },
    });
  }
  if (create) {
    operations.push({
      method: "POST",
      permission: "create",
      run: async (call) => sendOutcome(call, await createObject(resource, call, tasks), resource),
    });
  }
  return operations;
}

/** A nested collection exists only below a parent that exists in this domain. */
async function checkParent({ parent }: Resource, call: Call, key: string): Promise<void> {
  if (parent) await readRow(parent, call, { key });
}

function objectOperations(resource: Resource, tasks: GeneralTasks): RouteOperation[] {
  const { read, update, delete: remove } = resource.operations;
  const row = (call: Call, parameters: Readonly<Record<string, string>>) =>
    readRow(resource, call, keyPath(parameters));
  const operations: RouteOperation[] = [];
  if (read) {
    operations.push({
      method: "GET",
      permission: "retrieve",
      run: async (call, parameters) => sendRow(call, resource, await row(call, parameters)),
    });
  }
  if (update) {
    for (const method of ["PUT", "PATCH"] as const) {
      operations.push({
        method,
        permission: method === "PUT" ? "update" : "partial_update",
        run: async (call, parameters) => {
          const work = { row: await row(call, parameters), tasks };
          return sendOutcome(call, await updateObject(resource, call, work), resource);
        },
      });
    }
  }
  if (remove) {
    operations.push({
      method: "DELETE",
      permission: "destroy",
      run: async (call, parameters) => {
        const work = { row: await row(call, parameters), tasks };
        return sendOutcome(call, await deleteObject(resource, call, work), resource);
      },
    });
  }
  return operations;
}

function actionOperation(resource: Resource, action: Action): RouteOperation {
  return {
    method: action.method,
    permission: action.permission ?? action.name,
    async run(call, parameters) {
      const row = action.on === "object" ? await actionRow(action, resource, call, parameters) : {};
      const outcome = await runAction(action, call, row);
      return sendOutcome(call, outcome, resource, parameters.parent);
    },
  };
}

async function actionRow(
  action: Action,
  resource: Resource,
  call: Call,
  parameters: Readonly<Record<string, string>>,
): Promise<Row> {
  const path = keyPath(parameters);
  if (!action.isBlind) return readRow(resource, call, path);
  checkKeys(resource, path);
  return { $key: path.key, $resource: resource };
}

const keyPath = ({ key = "", parent }: Readonly<Record<string, string>>): KeyPath => ({
  key,
  ...(parent === undefined ? {} : { parent }),
});
