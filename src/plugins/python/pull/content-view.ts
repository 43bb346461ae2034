import type { ContentHandler, Ctx } from "#sdk";
import type { IndexView } from "../index/index-pages.ts";
import { findIndex } from "../index/place.ts";

export type ContentRequest = Parameters<NonNullable<ContentHandler["resolve"]>>[1];
export type ContentAnswer = Awaited<ReturnType<NonNullable<ContentHandler["resolve"]>>>;

/**
 * The index of a request to the content app. Who asks is not known there, so that of a group only
 * members without a guard are shown.
 */
export async function contentView(
  ctx: Ctx,
  { match: { domain, distribution } }: ContentRequest,
): Promise<IndexView | undefined> {
  const basePaths = [distribution.basePath];
  const place = await findIndex(ctx, { domain: domain.num, basePaths });
  if (!place) return undefined;
  const { members } = place;
  const parts = members && { parts: members.filter(({ guard }) => guard === null) };
  return { ctx, domain, place: { ...place, ...parts } };
}
