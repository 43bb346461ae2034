import type { Family } from "#core/plugin-contract.ts";
import { text } from "../../kit/fields.ts";
import type { Filters } from "../../kit/filters/filter.ts";
import { defineResource, type Fields, type Resource } from "../../kit/resource.ts";
import { entityHref } from "../../kit/view.ts";
import { entityOrderings, nameFilters, ofKnownTypes, typeFilters } from "./common.ts";
import { ofFamily } from "./visibility.ts";

export const GUARD_FAMILY = "content_guard" satisfies Family;

/** Keys that every content guard has (core-rest §8.9). */
export const guardFields: Fields = {
  name: text({ required: true }),
  description: text({ nullable: true }),
};

export const guardFilters: Filters = nameFilters;

export const guardOrderings = {
  ...entityOrderings,
  name: "e.name",
  description: "e.description",
} as const;

/** `contentguards/`: all types of the domain. */
export const allGuards = (types: readonly string[]): Resource =>
  defineResource({
    path: "contentguards",
    label: "core",
    model: "ContentGuard",
    family: GUARD_FAMILY,
    title: "content guard",
    key: "uuid",
    source: { from: "content_guard e", where: ofKnownTypes(types) },
    fields: guardFields,
    address: (row, view) => entityHref(view, GUARD_FAMILY, String(row.$type), String(row.$key)),
    rowModel: (row, view) => view.ctx.plugins.entity(GUARD_FAMILY, String(row.$type)).model,
    addressColumns: { $type: "e.type" },
    filters: { ...guardFilters, ...typeFilters(types) },
    orderings: guardOrderings,
    visibility: ofFamily(GUARD_FAMILY),
    operations: { list: true },
  });
