import { contentResource, text, textFilters } from "#sdk";
import { names } from "./names.ts";

const own = (name: string) => text({ readOnly: true, sql: `d.${name}` });

/** Releases that should not be chosen any more (plugin-python §4): the index makes and removes them. */
export const pythonYankResource = contentResource({
  ...names("PackageYank", "content/python/yanks", "package yank", "python.python_yank"),
  joins: "left join python_yank d on d.domain = e.domain and d.id = e.id",
  fields: {
    name_normalized: own("name_normalized"),
    version: own("version"),
    yanked_reason: own("yanked_reason"),
  },
  filters: {
    ...textFilters("name_normalized", "d.name_normalized", ["exact", "in"]),
    ...textFilters("version", "d.version", ["exact", "in"]),
  },
  orderings: { name_normalized: "d.name_normalized", version: "d.version" },
  isReadOnly: true,
});
