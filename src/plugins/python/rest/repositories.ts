import { boolean, repositoryResource, versionsResource } from "#sdk";
import { names } from "./names.ts";

export const pythonRepositoryResource = repositoryResource({
  ...names("PythonRepository", "repositories/python/python", "python repository"),
  detail: "python_repository",
  fields: {
    autopublish: boolean({ default: false }),
    allow_package_substitution: boolean({ default: true }),
    error_on_reject: boolean({ default: true }),
  },
  actions: [],
});

export const pythonVersions = versionsResource(pythonRepositoryResource);
