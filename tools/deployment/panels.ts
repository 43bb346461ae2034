import { parameter } from "./yaml.ts";

/** A question to Prometheus, with what its series are called. */
export interface Query {
  readonly expr: string;
  readonly legend?: string;
}

export interface PanelOptions {
  readonly title: string;
  readonly unit?: string;
  readonly kind?: "timeseries" | "stat" | "table" | "piechart" | "bargauge";
  /** Of 24 columns; half without it. */
  readonly width?: number;
}

type Panel = Readonly<Record<string, unknown>>;

const shell = ({ title, unit = "short", kind = "timeseries" }: PanelOptions) => ({
  title,
  type: kind,
  fieldConfig: { defaults: { unit, ...(kind === "timeseries" ? LINES : {}) }, overrides: [] },
  options: {},
});

const LINES = { custom: { drawStyle: "line", fillOpacity: 10, showPoints: "never" } };

const PROMETHEUS = { type: "prometheus", uid: parameter("prometheus") };
const CLOUDWATCH = { type: "cloudwatch", uid: parameter("cloudwatch") };

const REGION = parameter("region");
const LOG_GROUP = parameter("log_group");

const refId = (index: number): string => String.fromCharCode(65 + index);

/** Series of Prometheus. */
export const metricPanel = (options: PanelOptions, queries: readonly Query[]): Panel => ({
  ...shell(options),
  datasource: PROMETHEUS,
  targets: queries.map(({ expr, legend = "__auto" }, index) => ({
    ...{ refId: refId(index), datasource: PROMETHEUS, expr, legendFormat: legend },
    ...{ editorMode: "code", range: true },
  })),
  ...widthOf(options),
});

/** Lines of the log, asked for in the language of CloudWatch Logs Insights. */
export const logPanel = (options: PanelOptions, expression: string): Panel => ({
  ...shell(options),
  datasource: CLOUDWATCH,
  targets: [
    {
      ...{ refId: "A", datasource: CLOUDWATCH, queryMode: "Logs", region: REGION },
      logGroups: [{ name: LOG_GROUP, arn: LOG_GROUP }],
      expression,
      statsGroups: [],
    },
  ],
  ...widthOf(options),
});

/** A measurement that the cloud makes of its own services. */
export const cloudPanel = (
  options: PanelOptions,
  { namespace, metrics, dimensions, statistic }: CloudQuery,
): Panel => ({
  ...shell(options),
  datasource: CLOUDWATCH,
  targets: metrics.map((metricName, index) => ({
    ...{ refId: refId(index), datasource: CLOUDWATCH, queryMode: "Metrics", region: REGION },
    ...{ metricQueryType: 0, metricEditorMode: 0, namespace, metricName, dimensions, statistic },
    ...{ matchExact: true, period: "", id: "", label: metricName },
  })),
  ...widthOf(options),
});

interface CloudQuery {
  readonly namespace: string;
  readonly metrics: readonly string[];
  readonly dimensions: Readonly<Record<string, string>>;
  readonly statistic: "Average" | "Minimum" | "Maximum";
}

const widthOf = ({ width = 12 }: PanelOptions) => ({ width });

const HEIGHT = 8;
const COLUMNS = 24;

/** Puts panels into rows, from the left to the right. */
function laidOut(panels: readonly Panel[]): readonly object[] {
  let [x, y] = [0, 0];
  return panels.map(({ width, ...panel }, index) => {
    const w = Number(width);
    if (x + w > COLUMNS) [x, y] = [0, y + HEIGHT];
    const gridPos = { h: HEIGHT, w, x, y };
    x += w;
    return { id: index + 1, ...panel, gridPos };
  });
}

export interface Choice {
  readonly name: string;
  readonly label: string;
  /** What is chosen first; several may be chosen from. */
  readonly values: readonly string[];
}

const source = (name: string, type: string) => ({
  name,
  label: name,
  type: "datasource",
  query: type,
});

const choice = ({ name, label, values: [first = "", ...others] }: Choice) =>
  others.length === 0
    ? { name, label, type: "textbox", query: first, current: { text: first, value: first } }
    : {
        ...{ name, label, type: "custom", query: [first, ...others].join(",") },
        current: { text: first, value: first },
      };

export interface Dashboard {
  readonly uid: string;
  readonly title: string;
  /** How far it looks back at first. */
  readonly from: string;
  readonly panels: readonly Panel[];
  readonly choices: readonly Choice[];
}

/** A ConfigMap that Grafana's sidecar finds by its label (service §20). */
export function dashboardMap({ uid, title, from, panels, choices }: Dashboard): object {
  const dashboard = {
    ...{ uid, title, tags: ["pulp"], schemaVersion: 39, version: 1, editable: true },
    ...{ timezone: "utc", refresh: "1m", time: { from, to: "now" } },
    templating: {
      list: [
        source("prometheus", "prometheus"),
        source("cloudwatch", "cloudwatch"),
        ...choices.map(choice),
      ],
    },
    panels: laidOut(panels),
  };
  return {
    ...{ apiVersion: "v1", kind: "ConfigMap" },
    metadata: {
      name: `grafana-dashboard-${uid}`,
      labels: { app: "pulp", grafana_dashboard: "true" },
      annotations: { "grafana-folder": "/grafana-dashboard-definitions/Pulp" },
    },
    data: { [`${uid}.json`]: `${JSON.stringify(dashboard, undefined, 2)}\n` },
  };
}
