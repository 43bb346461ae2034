import assert from "node:assert/strict";
import type { RequestOptions, TestAnswer, TestApi } from "../../support/rest-api.ts";
import { as, below, user } from "./support.ts";

export const FILES = "repositories/file/file/";

export const ANA = as(user("ana", "1"));
/** A colleague of Ana's. */
export const BEN = as(user("ben", "1"));
/** Of another organisation. */
export const EVE = as(user("eve", "2"));
export const ADMIN: RequestOptions = {};

/** Makes a file repository of any name in a domain. */
export const createRepository = (
  api: TestApi,
  domain: string,
  who: RequestOptions,
): Promise<TestAnswer> =>
  api.request("POST", below(domain, FILES), { ...who, json: { name: crypto.randomUUID() } });

/** Names of the domains that somebody is shown, sorted. */
export async function domainsShownTo(
  api: TestApi,
  who: RequestOptions,
): Promise<readonly string[]> {
  const { status, body } = await api.get(below("default", "domains/"), who);
  assert.equal(status, 200);
  return body.results.map(({ name }: { name: string }) => name).sort();
}
