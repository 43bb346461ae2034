import type { TestContext } from "node:test";
import type { RequestOptions, TestApi } from "../../../support/rest-api.ts";
import { featureService } from "../feature-service.ts";
import { as, below, certificate, createService, makeDomain, statuses, user } from "../support.ts";

/** Nobody known, of an organisation that has the feature. */
export const ENTITLED = as({ internal: { org_id: "7" } });
/** Of one that has not. */
export const OTHER = as({ internal: { org_id: "8" } });
export const OWNER = as(user("ona", "1"));
export const READER = as(certificate("/CN=reader"));
export const CONTENT = below("lightwell", "content/file/files/");
const REPOSITORIES = below("lightwell", "repositories/file/file/");

/** A service that asks for features, with the domain that the default policy is about and another one. */
export async function lightwellWorld(t: TestContext, more: object = {}) {
  const features = await featureService(t);
  const api = await createService(t, { FEATURE_SERVICE_API_URL: features.url, ...more });
  await makeDomain(api, "lightwell", OWNER);
  await makeDomain(api, "elsewhere", OWNER);
  return { api, features };
}

/** What somebody is answered to each kind of request. */
export const answersTo = (api: TestApi, who: RequestOptions) =>
  statuses({
    content: () => api.get(CONTENT, who),
    repositories: () => api.get(REPOSITORIES, who),
    create: () => api.request("POST", REPOSITORIES, { ...who, json: { name: "x" } }),
    upload: () => api.request("POST", CONTENT, { ...who, json: {} }),
    elsewhere: () => api.get(below("elsewhere", "content/file/files/"), who),
  });
