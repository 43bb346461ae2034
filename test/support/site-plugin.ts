import { sql } from "kysely";
import type { JsonObject } from "#base/json.ts";
import { fileDistributionResource } from "#plugins/file/rest.ts";
import { text } from "#rest/kit/fields.ts";
import { defineSite, type SiteOperation, type SitePlace } from "#rest/kit/site.ts";
import type { Plugin } from "#sdk";

interface FilePlace extends SitePlace {
  readonly name: string;
}

const operation = (
  part: Pick<SiteOperation<FilePlace>, "method" | "id" | "permission">,
): SiteOperation<FilePlace> => ({
  ...part,
  shortId: "read",
  scope: part.method === "GET" ? "file.view_filedistribution" : "file.modify_filerepository",
  tag: "Toy: Shelf",
  title: "Something on the shelf",
  answers: { 200: null },
  ...(part.method === "POST" ? { body: { schema: "ToyNote", fields: { note: text() } } } : {}),
  async run(_call, { place, parameters, values }) {
    const body = { place: place.name, parameters, values: (await values()) as JsonObject };
    return { kind: "json", status: 200, body };
  },
});

const read = (id: string) => operation({ method: "GET", id, permission: "retrieve" });

/** Serves distributions of files as shelves, at `/toy/…`, by routes of every form. */
export const toySite = defineSite<FilePlace>({
  label: "toy",
  prefix: { setting: "TOY_PREFIX", default: "/toy/" },
  resource: fileDistributionResource,
  missing: (basePath) => `No shelf at ${basePath}`,
  async find({ ctx, caller }, basePaths) {
    const { rows } = await sql<{
      id: string;
      name: string;
      base_path: string;
      repository: string | null;
      guard: string | null;
      guard_type: string | null;
    }>`
      select d.id, d.name, d.base_path, d.repository, d.guard, g.type as guard_type
      from distribution d left join content_guard g on g.id = d.guard
      where d.domain = ${caller.domain.num} and d.base_path = any(${basePaths}::text[])
      order by length(d.base_path) desc limit 1`.execute(ctx.db);
    const [row] = rows;
    if (!row) return undefined;
    const of = (model: string, id: string) => ({ model, id, domain: caller.domain.num });
    return {
      name: row.name,
      basePath: row.base_path,
      object: of("file.filedistribution", row.id),
      related: row.repository ? { repository: of("file.filerepository", row.repository) } : {},
      guard: row.guard === null ? null : { id: row.guard, type: row.guard_type ?? "" },
    };
  },
  routes: [
    {
      path: "things/",
      policy: "toy/things",
      operations: [
        read("things_read"),
        operation({ method: "POST", id: "things_create", permission: "create" }),
      ],
    },
    { path: "things/:thing/", policy: "toy/things", operations: [read("things_thing_read")] },
    { path: "about/:what*/", policy: "toy/about", operations: [read("about_read")] },
    { path: "", policy: "toy/root", operations: [read("read")] },
  ],
});

const anybody = (viewset: string) => ({
  viewset,
  statements: [{ action: ["retrieve"], principal: "*", effect: "allow" as const }],
  creation_hooks: [],
  queryset_scoping: null,
});

export const toyPlugin: Plugin = {
  label: "toy",
  version: "1.0.0",
  package: "toy",
  module: "toy",
  migrations: new URL("./no-migrations/", import.meta.url),
  entities: [],
  contentTypes: [],
  repositoryTypes: [],
  tasks: [],
  resources: [],
  delivery: [],
  sites: [toySite],
  access: {
    models: [],
    adminOnly: [],
    policies: [
      anybody("toy/root"),
      anybody("toy/about"),
      {
        ...anybody("toy/things"),
        statements: [
          { action: ["retrieve"], principal: "*", effect: "allow" },
          {
            action: ["create"],
            principal: "authenticated",
            effect: "allow",
            condition: "shelf_repo_perm",
          },
        ],
      },
    ],
    conditions: {
      shelf_repo_perm: {
        means: "has_repo_attr_model_or_domain_or_obj_perms",
        permission: "file.modify_filerepository",
      },
    },
  },
};
