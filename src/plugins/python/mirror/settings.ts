import { Type } from "@sinclair/typebox";
import { defineSettings, type SettingValues } from "#base/settings.ts";
import type { Ctx } from "#sdk";

export const mirrorSettings = defineSettings({
  PYTHON_UPSTREAM_PAGE_MAX_MB: {
    schema: Type.Integer({ minimum: 1 }),
    default: 64,
    unit: "MiB",
    doc: "Largest page of a project that is read from an upstream index; its list of all projects may have four times as much.",
  },
  PYTHON_SYNC_RELEASE_METADATA: {
    schema: Type.Integer({ minimum: 0 }),
    default: 10,
    doc: "A sync asks for the own metadata of so many releases per project, the newest first. Older ones get what all releases of a project share.",
  },
  PYTHON_UPSTREAM_PAGE_SECONDS: {
    schema: Type.Integer({ minimum: 0 }),
    default: 60,
    unit: "seconds",
    doc: "How long pull-through uses a page of an upstream index before it asks again.",
  },
  PYTHON_UPSTREAM_PAGES_MB: {
    schema: Type.Integer({ minimum: 1 }),
    default: 64,
    unit: "MiB",
    doc: "Memory of a process for pages of upstream indexes that pull-through uses.",
  },
});

const MIB = 1024 * 1024;

/** What this plugin brought into the settings of the process. */
const valuesOf = (ctx: Pick<Ctx, "settings">) =>
  ctx.settings as unknown as SettingValues<typeof mirrorSettings>;

/** Bytes of a project's page. */
export const mostPageBytes = (ctx: Pick<Ctx, "settings">): number =>
  valuesOf(ctx).PYTHON_UPSTREAM_PAGE_MAX_MB * MIB;

/** Bytes of the list of all projects. */
export const mostListBytes = (ctx: Pick<Ctx, "settings">): number => 4 * mostPageBytes(ctx);

/** Releases per project that are asked for their own metadata. */
export const releasesAsked = (ctx: Pick<Ctx, "settings">): number =>
  valuesOf(ctx).PYTHON_SYNC_RELEASE_METADATA;

export const pageFreshMs = (ctx: Pick<Ctx, "settings">): number =>
  valuesOf(ctx).PYTHON_UPSTREAM_PAGE_SECONDS * 1000;

export const pagesBytes = (ctx: Pick<Ctx, "settings">): number =>
  valuesOf(ctx).PYTHON_UPSTREAM_PAGES_MB * MIB;
