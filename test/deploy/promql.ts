import { allObjects } from "./manifests.ts";

interface Target {
  readonly expr?: string;
}

interface Rule {
  readonly record?: string;
  readonly alert?: string;
  readonly expr: string;
  /** For people. */
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Questions to Prometheus, with who asks. */
export interface Question {
  readonly place: string;
  readonly expr: string;
}

const objects = allObjects();

/** Rule groups of the alerts. */
export const ruleGroups: readonly { readonly name: string; readonly rules: readonly Rule[] }[] =
  objects.find(({ kind }) => kind === "PrometheusRule")?.spec.groups ?? [];

const ofDashboards = (): readonly Question[] =>
  objects
    .filter(({ kind, metadata }) => kind === "ConfigMap" && /^grafana-/.test(metadata.name ?? ""))
    .flatMap(({ data }) => Object.values(data as Record<string, string>))
    .flatMap((text) => JSON.parse(text).panels as { title: string; targets: Target[] }[])
    .flatMap(({ title, targets }) =>
      targets.flatMap(({ expr }) => (expr ? [{ place: title, expr }] : [])),
    );

const ofAutoscaler = (): readonly Question[] =>
  objects
    .filter(({ kind }) => kind === "ScaledObject")
    .flatMap(({ spec }) => spec.triggers)
    .map(({ metadata }) => ({ place: "autoscaler", expr: metadata.query }));

/** Every question of dashboards, alerts, objectives and the autoscaler. */
export const questions: readonly Question[] = [
  ...ofDashboards(),
  ...ofAutoscaler(),
  ...ruleGroups.flatMap(({ rules }) =>
    rules.map(({ record, alert, expr }) => ({ place: record ?? alert ?? "", expr })),
  ),
];

/** Names of our instruments in a question; recorded names have a colon. */
export const instrumentsIn = (expr: string): readonly string[] =>
  [...expr.matchAll(/(?<![\w:])(?:pulp|deckle)_\w+/g)].map(([name]) => name);
