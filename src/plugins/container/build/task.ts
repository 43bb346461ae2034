import { join } from "node:path";
import { Type } from "@sinclair/typebox";
import { createVersion, defineTask } from "#sdk";
import { saveTags } from "../save.ts";
import { versionResult } from "../version-result.ts";
import { runBuilder } from "./builder.ts";
import { layOutContext, writeArtifact } from "./context.ts";
import { importLayout } from "./import-layout.ts";

const optional = Type.Optional(Type.String());

/** Builds an image of a Containerfile and files of a repository (plugin-container §4.6). */
export const buildImage = defineTask({
  name: "pulp_container.app.tasks.builder.build_image",
  label: "container",
  input: Type.Object({
    repository: Type.String(),
    tag: Type.String(),
    /** `artifact.id` of a Containerfile that was sent along. */
    containerfile: optional,
    /** Path of the Containerfile among the files. */
    containerfileName: optional,
    /** `repository_version.id` of the files. */
    context: optional,
  }),
  async run(job, { repository, tag: name, containerfile, containerfileName, context }) {
    const { ctx, caller } = job;
    const folder = await layOutContext(job, context);
    const file = containerfileName
      ? join(folder, containerfileName)
      : join(job.workingDirectory, "Containerfile");
    if (containerfile) await writeArtifact(job, { artifact: containerfile, path: file });
    const layout = await runBuilder(job, { folder, containerfile: file });
    const image = await importLayout(job, layout);
    const tags = [{ name, manifest: image.manifest }];
    const [tag] = await saveTags(ctx, caller.domain, { tags });
    if (!tag) throw new Error(`Tag ${name} was not saved.`);
    const add = [...image.units, tag.id];
    const version = await createVersion(job, repository, { add, remove: [] });
    return version ? versionResult(job, version) : null;
  },
});
