import { type Call, defineSite } from "#sdk";
import { pythonDistributionResource } from "../rest/distributions.ts";
import { membersAt } from "./index-pages.ts";
import { summary } from "./members.ts";
import { findIndex, type IndexPlace } from "./place.ts";
import { sendProvenance } from "./provenance.ts";
import { indexSchemas } from "./schemas.ts";
import { sendSetup } from "./setup-page.ts";
import { sendProject, sendProjects } from "./simple.ts";

type Visit = { readonly place: IndexPlace; readonly parameters: Readonly<Record<string, string>> };

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
            const { projects, releases, files } = await summary(ctx, membersAt(place));
            return { kind: "json", status: 200, body: { projects, releases, files } };
          },
        },
      ],
    },
  ],
});
