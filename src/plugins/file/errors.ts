import { defineErrors } from "#base/errors.ts";

export const manifestErrors = defineErrors({
  line: {
    code: "manifest_line",
    status: 400,
    message: (at: { readonly line: number; readonly name: string; readonly reason: string }) =>
      `Error: Parsing of the manifest file failed on line:${at.line}.\n` +
      "Please make sure the remote URL is pointing to a valid manifest file.\n" +
      "The manifest file should be composed of lines in the following format: <relative_path>,<digest>,<size>.\n" +
      `Manifest: ${at.name}; ${at.reason}.`,
  },
});

export const fileErrors = defineErrors({
  noRepository: {
    code: "file_repository_missing",
    status: 404,
    message: (id: string) => `File repository ${id} does not exist.`,
  },
  noVersion: {
    code: "file_version_missing",
    status: 404,
    message: (id: string) => `Repository version ${id} does not exist.`,
  },
  mirrorAutopublish: {
    code: "file_mirror_autopublish",
    status: 400,
    message: () => "Cannot use mirror mode with autopublished repository.",
  },
});
