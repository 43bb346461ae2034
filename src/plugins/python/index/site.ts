import { type Call, defineSite, type Values } from "#sdk";
import { PUBLISH } from "../publishing/mint.ts";
import { pythonDistributionResource } from "../rest/distributions.ts";
import { sendPackages, sendReleases, sendUpdates } from "./feeds.ts";
import { membersAt } from "./index-pages.ts";
import { summary } from "./members.ts";
import { sendMetadata } from "./metadata.ts";
import { findIndex, type IndexPlace } from "./place.ts";
import { sendProjects } from "./project-list.ts";
import { sendProvenance } from "./provenance.ts";
import { indexSchemas } from "./schemas.ts";
import { sendSetup } from "./setup-page.ts";
import { shelfSummary } from "./shelf-members.ts";
import { sendProject } from "./simple.ts";
import { upload } from "./upload.ts";
import { uploadBody } from "./upload-form.ts";
import { dispatchYank, yankBody } from "./yank.ts";

interface Visit {
  readonly place: IndexPlace;
  readonly parameters: Readonly<Record<string, string>>;
  values(): Promise<Values>;
}

/** What reads have in common. */
const read = {
  method: "GET",
  shortId: "read",
  permission: "retrieve",
  scope: "python.view_pythondistribution",
  answers: { 200: null },
} as const;

const format = { format: { type: "string", enum: ["html", "json"] } } as const;
const parameter = ({ parameters }: Visit, name: string): string => parameters[name] ?? "";

/** What changes have in common. */
const change = {
  method: "POST",
  scope: "python.modify_pythonrepository",
  refusalTypes: ["text/plain"],
} as const;

/** Readers of feeds do not read descriptions. */
const feedRoute = (
  path: string,
  id: string,
  run: (call: Call, visit: Visit) => Promise<undefined>,
) => ({
  path,
  policy: "pypi/rss",
  isUndescribed: true,
  operations: [{ ...read, id, tag: "Pypi: Rss", title: "Get a feed", run }],
});

const uploadOperation = (id: "simple" | "legacy", title: string) => ({
  ...change,
  narrowScope: PUBLISH,
  id: `${id}_create`,
  shortId: "create",
  permission: "create",
  tag: id === "simple" ? "Pypi: Simple" : "Pypi: Legacy",
  title,
  body: uploadBody,
  answers: { 200: "PackageUploadTaskResponse" },
  run: (call: Call, visit: Visit) => upload(call, visit),
});

const yankRoute = (name: "yank" | "unyank") => ({
  path: `${name}/`,
  policy: `pypi/${name}`,
  operations: [
    {
      ...change,
      id: `${name}_${name}`,
      shortId: name,
      permission: name,
      tag: name === "yank" ? "Pypi: Yank" : "Pypi: Unyank",
      title: name === "yank" ? "Yank a release" : "Lift the mark of a yanked release",
      body: yankBody,
      answers: { 202: "AsyncOperationResponse" },
      run: (call: Call, { place, values }: Visit) =>
        dispatchYank(call, place, { values, isYank: name === "yank" }),
    },
  ],
});

/** What an index has of its own, its members included. */
function summaryOf(ctx: Call["ctx"], { object: { domain }, parts, ...place }: IndexPlace) {
  if (!parts) return summary(ctx, membersAt({ ...place, object: { domain } }));
  return shelfSummary(ctx, { domain, versions: parts.map(({ version }) => version) });
}

/** Python indexes below `PYPI_PATH_PREFIX` (plugin-python §6). */
export const pythonIndex = defineSite<IndexPlace>({
  label: "python",
  prefix: { setting: "PYPI_PATH_PREFIX", default: "/pypi/" },
  resource: pythonDistributionResource,
  missing: (basePath) => `No PythonDistribution found for base_path ${basePath}`,
  find: ({ ctx, caller }: Call, basePaths) =>
    findIndex(ctx, { domain: caller.domain.num, basePaths }),
  schemas: indexSchemas,
  routes: [
    {
      path: "simple/",
      policy: "pypi/simple",
      operations: [
        {
          ...read,
          id: "simple_read",
          permission: "list",
          tag: "Pypi: Simple",
          title: "Get index simple page",
          query: format,
          run: (call, { place }) => sendProjects(call, place),
        },
        uploadOperation("simple", "Upload a package"),
      ],
    },
    {
      path: "simple/:package/",
      policy: "pypi/simple",
      operations: [
        {
          ...read,
          id: "pypi_simple_package_read",
          isFixedId: true,
          shortId: "pypi_simple_package_read",
          tag: "Pypi: Simple",
          title: "Get package simple page",
          query: format,
          run: (call, visit) => sendProject(call, visit.place, parameter(visit, "package")),
        },
      ],
    },
    {
      path: "pypi/:meta*/",
      policy: "pypi/pypi",
      operations: [
        {
          ...read,
          id: "pypi_read",
          tag: "Pypi: Metadata",
          title: "Get package metadata",
          answers: { 200: "PackageMetadataResponse" },
          run: (call, visit) => sendMetadata(call, visit.place, parameter(visit, "meta")),
        },
      ],
    },
    {
      path: "integrity/:package/:version/:filename/provenance/",
      policy: "pypi/integrity",
      operations: [
        {
          ...read,
          id: "integrity_provenance_read",
          tag: "Pypi: Provenance",
          title: "Get package provenance",
          run: (call, visit) =>
            sendProvenance(call, visit.place, {
              package: parameter(visit, "package"),
              version: parameter(visit, "version"),
              filename: parameter(visit, "filename"),
            }),
        },
      ],
    },
    feedRoute("rss/updates.xml", "rss_updates_read", (call, { place }) => sendUpdates(call, place)),
    feedRoute("rss/packages.xml", "rss_packages_read", (call, { place }) =>
      sendPackages(call, place),
    ),
    feedRoute("rss/project/:name/releases.xml", "rss_releases_read", (call, visit) =>
      sendReleases(call, visit.place, parameter(visit, "name")),
    ),
    {
      path: "legacy/",
      policy: "pypi/legacy",
      operations: [uploadOperation("legacy", "Upload a package as to the old index of Python")],
    },
    yankRoute("yank"),
    yankRoute("unyank"),
    {
      path: "setup/",
      policy: "pypi/setup",
      isUndescribed: true,
      operations: [
        {
          ...read,
          id: "setup_read",
          tag: "Pypi: Setup",
          title: "Get configuration of a client",
          run: (call, { place }) => sendSetup(call, place),
        },
      ],
    },
    {
      path: "",
      policy: "pypi/root",
      operations: [
        {
          ...read,
          id: "read",
          tag: "Pypi",
          title: "Get index summary",
          answers: { 200: "SummaryResponse" },
          async run({ ctx }, { place }) {
            const { projects, releases, files } = await summaryOf(ctx, place);
            return { kind: "json", status: 200, body: { projects, releases, files } };
          },
        },
      ],
    },
  ],
});
