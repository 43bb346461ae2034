import { appErrors } from "#app/errors.ts";
import type { Tool } from "../tool.ts";
import { apiAccessReader, contentAccessReader } from "./access-reader.ts";
import { apiColumns, apiRow } from "./api-rows.ts";
import { contentKinds, contentRow } from "./content-rows.ts";
import { exportHelp, exportLogs, exportOptions, exportUsage } from "./export.ts";
import { s3Help, s3Options, s3Target, uploadFile } from "./s3-target.ts";

const PROBES = ["/livez", "/status"];

export const exportAccessLogs: Tool = {
  name: "export-access-logs",
  usage: exportUsage,
  summary:
    "Exports access lines of the API to Parquet; without --filter-paths those of /api/pypi/.",
  help: exportHelp,
  options: exportOptions,
  run: (flags, terminal) =>
    exportLogs(
      {
        columns: apiColumns,
        read: apiAccessReader(),
        filterPaths: ["/api/pypi/"],
        excludePaths: PROBES,
        row: apiRow,
      },
      flags,
      terminal,
    ),
};

export const exportContentLogs: Tool = {
  name: "export-content-logs",
  usage: `--content-type maven|python|rpm ${exportUsage}`,
  summary: "Exports downloads from access lines of the content app to Parquet.",
  help: [
    ...exportHelp,
    "  --content-type KIND maven (.jar, .pom), python (.whl, .whl.metadata) or rpm (.rpm)",
    "  --content-path-prefix PATH  where the content app serves; /api/pulp-content/",
  ],
  options: {
    ...exportOptions,
    ...{ "content-type": { type: "string" }, "content-path-prefix": { type: "string" } },
  },
  async run(flags, terminal) {
    const kind = contentKinds[flags.text["content-type"] ?? ""];
    if (!kind) {
      const known = Object.keys(contentKinds).join(", ");
      throw appErrors.usage(`Which kind of content? Give --content-type, one of ${known}.`);
    }
    const path = flags.text["content-path-prefix"] ?? "/api/pulp-content/";
    const prefix = `/${path}/`.replaceAll(/\/{2,}/g, "/");
    return exportLogs(
      {
        columns: kind.columns,
        read: contentAccessReader(),
        filterPaths: [prefix],
        excludePaths: PROBES,
        row: (facts) => contentRow(facts, kind, prefix),
      },
      flags,
      terminal,
    );
  },
};

export const uploadParquet: Tool = {
  name: "upload-parquet",
  usage: "--source FILE --destination s3://BUCKET/KEY",
  summary: "Puts a file that an export has written into a bucket.",
  help: ["", ...s3Help],
  options: { source: { type: "string" }, destination: { type: "string" }, ...s3Options },
  async run({ text }, { signal, print }) {
    const { source, destination } = text;
    if (!source || !destination) throw appErrors.usage("Give --source and --destination.");
    const target = s3Target(destination);
    if (!target) throw appErrors.usage(`'${destination}' must be s3://BUCKET/PATH/OF/THE/FILE.`);
    const bytes = await uploadFile(source, target, { text, signal });
    print(`${bytes} bytes in ${destination}`);
    return 0;
  },
};
