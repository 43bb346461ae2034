/**
 * What changes in a description when domains are on: paths begin with the domain, and rooted
 * operations take it as a parameter. Everything else is as the comparison finds it.
 */
import type { Component } from "./openapi-comparison.ts";
import { type Json, json, list } from "./openapi-facts.ts";

/** `openapi/baseline/domains.json` */
export interface DomainRule {
  /** Root of the paths without domains, and with them. */
  readonly rule: { readonly from: string; readonly to: string };
  readonly unchanged: readonly { readonly id: string }[];
  readonly moved: readonly { readonly id: string; readonly domainPath: string }[];
}

type Operation = Component["operations"][number];

function wantedPath({ id, path }: Operation, { rule, unchanged, moved }: DomainRule): string {
  const own = moved.find((one) => one.id === id);
  if (own) return own.domainPath;
  if (unchanged.some((one) => one.id === id)) return path;
  return path.startsWith(rule.from) ? rule.to + path.slice(rule.from.length) : path;
}

/** Every rooted operation where the baseline has it with domains on; the rest is named. */
export function domainFindings(
  components: readonly Component[],
  rule: DomainRule,
  document: Json,
): readonly string[] {
  const paths = json(document.paths);
  const flag = json(document.info)["x-pulp-domain-enabled"];
  const findings = flag === true ? [] : ["x-pulp-domain-enabled is not true"];
  for (const operation of components.flatMap(({ operations }) => operations)) {
    const path = operation.href ?? wantedPath(operation, rule);
    const where = `${operation.method.toUpperCase()} ${path}`;
    const node = json(json(paths[path])[operation.method]);
    if (node.operationId === undefined) findings.push(`${where} is missing`);
    else if (takesDomain(node) !== path.includes("{pulp_domain}"))
      findings.push(`${where} has pulp_domain in only one of path and parameters`);
  }
  return findings;
}

const takesDomain = ({ parameters }: Json): boolean =>
  list(parameters)
    .map(json)
    .some(
      ({ name, in: place, required, ...rest }) =>
        name === "pulp_domain" && place === "path" && required === true && rest["x-isDomain"],
    );
