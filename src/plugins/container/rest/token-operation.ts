import type { DescribedOperation } from "#sdk";

/** The token server is no part of the REST API, but the description has always named it. */
export const tokenOperation: DescribedOperation = {
  label: "container",
  method: "get",
  path: "/token/",
  id: "token_get",
  shortId: "get",
  tag: "Token",
  summary: "Get a token of the registry",
  answers: { 200: null },
};
