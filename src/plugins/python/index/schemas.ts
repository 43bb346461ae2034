import { type Field, integer, text } from "#sdk";

const count = integer({ required: true });
/** Anything that JSON can hold. */
const anything: Field = { schema: {}, required: true };

/** Schemas of the answers of an index. */
export const indexSchemas = {
  SummaryResponse: { projects: count, releases: count, files: count },
  PackageMetadataResponse: {
    last_serial: count,
    info: anything,
    releases: anything,
    urls: anything,
  },
  PackageUploadTaskResponse: {
    session: text({ required: true, nullable: true }),
    task: text({ required: true }),
    task_start_time: {
      schema: { type: "string", format: "date-time" },
      required: true,
      nullable: true,
    },
  },
} as const;
