import { publicationResource } from "#sdk";
import { publishPackages } from "../tasks.ts";
import { names } from "./names.ts";

export const pythonPublicationResource = publicationResource({
  ...names("PythonPublication", "publications/python/pypi", "python publication"),
  fields: {},
  publish: publishPackages,
  hasCheckpoints: false,
  input: ({ version }) => ({ version }),
});
