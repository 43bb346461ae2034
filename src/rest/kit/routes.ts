import { permissionName } from "#core/access/permission-names.ts";
import type { ScopeQuestion } from "#core/access/token-scope.ts";
import { sendOutcome, sendRow, sendText } from "./answer.ts";
import { type ApiIndex, modelKey, resourcePrn } from "./api-index.ts";
import type { Call } from "./call.ts";
import type { GeneralTasks } from "./general-tasks.ts";
import { listAnswer } from "./list.ts";
import { operationId } from "./openapi/names.ts";
import { planOf } from "./plan.ts";
import type { Action, Endpoint, Resource } from "./resource.ts";
import type { Target, TargetOptions } from "./target.ts";
import { policyName } from "./viewset.ts";
import { createObject, deleteObject, runAction, updateObject } from "./write.ts";

export interface RouteOperation {
  readonly method: string;
  /** Operation id of the description, by which the audit trail knows it. */
  readonly id?: string;
  /** Action name that the permission question carries. */
  readonly permission: string;
  /** Of an operation of a site: the permission that the scope of a token has to contain. */
  readonly scope?: string;
  /** Or this one, which reaches nothing else. */
  readonly narrowScope?: string;
  readonly isPublic?: boolean;
  /** Decides instead of a policy. */
  readonly admits?: NonNullable<Endpoint["admits"]>;
  readonly isDetached?: boolean;
  /** What the keys of the path are keys of. */
  readonly resource?: Resource;
  readonly body?: NonNullable<TargetOptions["body"]>;
  readonly isBlind?: boolean;
  readonly subject?: NonNullable<TargetOptions["subject"]>;
  run(call: Call, target: Target): Promise<unknown>;
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
  /** Absent where it is about no kind of object. */
  readonly target?: RouteTarget;
}

/** What a route is about, for the scopes of tokens. */
export interface RouteTarget {
  /** `file.filerepository`; of what is nested, the model of the parent. */
  readonly model: string;
  /** It belongs to no domain. */
  readonly isGlobal: boolean;
  /** PRNs of the objects that a path names. */
  objects(parameters: Readonly<Record<string, string>>): readonly string[];
}

/** What a token has to reach for a request to a route. */
export function scopeQuestion(
  { target }: Route,
  { action, isRead, domain, parameters, isEverywhere = false }: Asked,
): ScopeQuestion {
  if (!target) return isEverywhere ? { isRead } : { isRead, domain };
  return {
    isRead,
    permission: permissionName(target.model, action),
    objects: target.objects(parameters),
    ...(target.isGlobal ? {} : { domain }),
  };
}

interface Asked {
  readonly action: string;
  readonly isRead: boolean;
  /** Name of the request's domain. */
  readonly domain: string;
  readonly parameters: Readonly<Record<string, string>>;
  /** It is about every domain, so no scope within domains reaches it. */
  readonly isEverywhere?: boolean;
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

/** Whether its path is that of the host and not below the API root. */
export const isOutside = ({ path }: Pick<Endpoint, "path">): boolean => path.startsWith("/");

function endpointRoute(endpoint: Endpoint): Route {
  const { path, method, body, admits, isPublic = false, isDetached = false } = endpoint;
  const inside = isPublic ? "both" : "domain";
  return {
    path: isOutside(endpoint) ? path : `${path}/`,
    scope: isOutside(endpoint) ? "site" : inside,
    name: endpoint.policy ?? path,
    operations: [
      {
        method,
        id: endpoint.operationId,
        permission: method.toLowerCase(),
        isPublic,
        isDetached,
        ...(admits ? { admits } : {}),
        ...(body ? { body } : {}),
        run: async (call, target) =>
          sendOutcome(call, await endpoint.run(call, await target.values())),
      },
    ],
  };
}

const collectionPath = ({ parent, path }: Resource): string =>
  parent ? `${parent.path}/:parent/${path}/` : `${path}/`;

function resourceRoutes(resource: Resource, tasks: GeneralTasks): Route[] {
  const collection = collectionPath(resource);
  const target = targetOf(resource);
  const base = { scope: "domain", name: policyName(resource), target } as const;
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

function targetOf(resource: Resource): RouteTarget {
  const { parent, key, source } = resource;
  return {
    model: modelKey(parent ?? resource),
    isGlobal: source.domain === null,
    objects: (parameters) => [
      ...(parameters.key !== undefined && key !== "number"
        ? [resourcePrn(resource, parameters.key)]
        : []),
      ...(parent && parameters.parent !== undefined
        ? [resourcePrn(parent, parameters.parent)]
        : []),
    ],
  };
}

function actionPath(collection: string, { on, name, path = name }: Action): string {
  const object = on === "object" ? `${collection}:key/` : collection;
  return path === "" ? object : `${object}${path}/`;
}

function collectionOperations(resource: Resource, tasks: GeneralTasks): RouteOperation[] {
  const { list, create } = resource.operations;
  const operations: RouteOperation[] = [];
  if (list) {
    planOf(resource); // One that cannot be read stops the start, not the first request.
    operations.push({
      method: "GET",
      id: operationId(resource, "list"),
      permission: "list",
      resource,
      async run(call, target) {
        const { parent } = target.path;
        // A nested collection exists only below a parent that exists in this domain.
        if (parent !== undefined) await target.parentRow();
        return sendText(call.reply, 200, await listAnswer(resource, call, parent));
      },
    });
  }
  if (create) {
    operations.push({
      method: "POST",
      id: operationId(resource, "create"),
      permission: "create",
      resource,
      body: resource.createBody ?? bodyOf(resource),
      async run(call, target) {
        const outcome = await createObject(resource, call, { target, tasks });
        return sendOutcome(call, outcome, resource, target.path.parent);
      },
    });
  }
  return operations;
}

const bodyOf = ({ fields, isLenient = false }: Resource) => ({ fields, isLenient });

function objectOperations(resource: Resource, tasks: GeneralTasks): RouteOperation[] {
  const { read, update, delete: remove } = resource.operations;
  const operations: RouteOperation[] = [];
  if (read) {
    operations.push({
      method: "GET",
      id: operationId(resource, "read"),
      permission: "retrieve",
      resource,
      run: async (call, target) => sendRow(call, resource, await target.row()),
    });
  }
  if (update) {
    for (const method of ["PUT", "PATCH"] as const) {
      const isPartial = method === "PATCH";
      operations.push({
        method,
        id: operationId(resource, isPartial ? "partial_update" : "update"),
        permission: isPartial ? "partial_update" : "update",
        resource,
        body: { ...bodyOf(resource), isPartial },
        run: async (call, target) =>
          sendOutcome(call, await updateObject(resource, call, { target, tasks }), resource),
      });
    }
  }
  if (remove) {
    operations.push({
      method: "DELETE",
      id: operationId(resource, "delete"),
      permission: "destroy",
      resource,
      run: async (call, target) =>
        sendOutcome(call, await deleteObject(resource, call, { target, tasks }), resource),
    });
  }
  return operations;
}

function actionOperation(resource: Resource, action: Action): RouteOperation {
  const { method, body, isBlind, subject } = action;
  return {
    method,
    id: action.operationId ?? operationId(resource, action.name),
    permission: action.permission ?? action.name,
    resource,
    ...(body ? { body } : {}),
    ...(isBlind ? { isBlind } : {}),
    ...(subject ? { subject } : {}),
    async run(call, target) {
      const outcome = await runAction(action, call, target);
      return sendOutcome(call, outcome, resource, target.path.parent);
    },
  };
}
