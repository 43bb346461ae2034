import { ValidationError } from "#base/errors.ts";
import { isRelativePath } from "#base/paths.ts";
import {
  type Action,
  acsResource,
  boolean,
  contentResource,
  digestFields,
  distributionResource,
  FieldProblem,
  NAME,
  publicationResource,
  publishedFields,
  refreshAcs,
  remoteResource,
  repositoryResource,
  singleArtifactFields,
  syncAction,
  text,
  textFilters,
  versionsResource,
} from "#sdk";
import { fileAcsRefresh, publishFiles, syncFiles } from "./tasks.ts";

const names = (model: string, path: string, title: string) =>
  ({ label: "file", type: "file.file", model, path, title }) as const;

const manifest = text({ nullable: true, default: "PULP_MANIFEST", check: checkPath });

function checkPath(path: string): string {
  if (path.startsWith("/")) throw new FieldProblem(`Relative path can't start with '/'. ${path}`);
  if (!isRelativePath(path)) {
    throw new FieldProblem(`Relative path is not in canonical form. ${path}`);
  }
  return path;
}

const relativePath = text({ required: true, sql: "d.relative_path", check: checkPath });

export const fileContentResource = contentResource({
  ...names("FileContent", "content/file/files", "file content"),
  joins: "left join file_content d on d.domain = e.domain and d.id = e.id",
  fields: { ...singleArtifactFields, relative_path: relativePath, ...digestFields("d.digest") },
  filters: {
    ...textFilters("relative_path", "d.relative_path", NAME),
    ...textFilters("sha256", "encode(d.digest, 'hex')"),
    ...textFilters("digest", "encode(d.digest, 'hex')"),
  },
  orderings: { relative_path: "d.relative_path", digest: "d.digest" },
  input: { relative_path: relativePath },
  row: (_run, values, { sha256 }) => ({
    relative_path: values.relative_path,
    digest: Buffer.from(sha256, "hex"),
  }),
  relativePath: (values) => String(values.relative_path),
  uploadSchema: "FileContentUpload",
});

const sync = syncAction({
  model: "file.FileRepository",
  task: syncFiles,
  fields: { optimize: boolean() },
  check: (values, row) => {
    if (values.mirror && row.autopublish) {
      throw new ValidationError(["Cannot use mirror mode with autopublished repository."]);
    }
  },
  input: ({ repository, remote, values }) => ({
    repository,
    remote,
    mirror: values.mirror === true,
    ...(values.optimize === undefined ? {} : { optimize: values.optimize === true }),
  }),
});

export const fileRepositoryResource = repositoryResource({
  ...names("FileRepository", "repositories/file/file", "file repository"),
  detail: "file_repository",
  fields: {
    autopublish: boolean({ default: false }),
    manifest,
    last_sync_details: { schema: { type: "object" }, readOnly: true },
  },
  actions: [sync],
});

export const fileVersions = versionsResource(fileRepositoryResource);

export const fileRemoteResource = remoteResource(
  names("FileRemote", "remotes/file/file", "file remote"),
);

export const filePublicationResource = publicationResource({
  ...names("FilePublication", "publications/file/file", "file publication"),
  detail: "file_publication",
  fields: { manifest },
  publish: publishFiles,
  hasCheckpoints: true,
  input: ({ version }, values) => ({
    version,
    manifest: values.manifest === null ? null : String(values.manifest),
    checkpoint: values.checkpoint === true,
  }),
});

export const fileDistributionResource = distributionResource({
  ...names("FileDistribution", "distributions/file/file", "file distribution"),
  fields: publishedFields,
});

const refresh: Action = {
  name: "refresh",
  method: "POST",
  on: "object",
  answers: { 202: "TaskGroupOperationResponse" },
  async run({ ctx, caller }, _values, row) {
    const group = await refreshAcs(ctx, fileAcsRefresh(caller, String(row.$key)));
    return { kind: "task_group", group };
  },
};

export const fileAcsResource = acsResource({
  ...names("FileAlternateContentSource", "acs/file/file", "file alternate content source"),
  actions: [refresh],
});
