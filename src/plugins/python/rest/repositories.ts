import { prn } from "#base/prn.ts";
import {
  type Action,
  boolean,
  dispatch,
  repositoryResource,
  syncAction,
  versionsResource,
} from "#sdk";
import { checkModify, repositoryRef } from "../admission.ts";
import { repairPackages, scanPackages, syncPackages } from "../tasks.ts";
import { names } from "./names.ts";

const repairMetadata: Action = {
  name: "repair_metadata",
  method: "POST",
  on: "object",
  answers: { 202: "AsyncOperationResponse" },
  async run({ ctx, caller }, _values, row) {
    const repository = String(row.$key);
    const { id } = await dispatch(ctx, {
      task: repairPackages,
      input: { repository },
      caller,
      exclusive: [prn("python.PythonRepository", repository)],
    });
    return { kind: "task", task: id };
  },
};

const sync = syncAction({
  model: "python.PythonRepository",
  task: syncPackages,
  input: ({ repository, remote, values }) => ({
    repository,
    remote,
    mirror: values.mirror === true,
  }),
});

export const pythonRepositoryResource = repositoryResource({
  ...names("PythonRepository", "repositories/python/python", "python repository"),
  detail: "python_repository",
  fields: {
    autopublish: boolean({ default: false }),
    allow_package_substitution: boolean({ default: true }),
    error_on_reject: boolean({ default: true }),
  },
  async checkModify({ ctx, caller }, edit, row) {
    const repository = await repositoryRef(ctx.db, caller.domain, String(row.$key));
    await checkModify(ctx.db, { ...edit, repository });
  },
  actions: [sync, repairMetadata],
});

const scan: Action = {
  name: "scan",
  method: "POST",
  on: "object",
  answers: { 202: "AsyncOperationResponse" },
  async run({ ctx, caller }, _values, row) {
    const { id } = await dispatch(ctx, {
      task: scanPackages,
      input: { version: String(row.$prn) },
      caller,
      shared: [prn("python.PythonRepository", String(row.$repository))],
    });
    return { kind: "task", task: id };
  },
};

export const pythonVersions = versionsResource(pythonRepositoryResource, [scan]);
