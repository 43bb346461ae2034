import type { Settings } from "#platform/config/settings.ts";
import type { KubernetesObject } from "#platform/kubernetes/kubernetes.ts";
import { appErrors } from "../errors.ts";

interface Edge {
  readonly name: string;
  readonly path: string;
  readonly service: string;
}

export interface EdgeOptions {
  /** Empty leaves it to the cluster. */
  readonly host: string;
  readonly settings: Pick<Settings, "API_ROOT" | "CONTENT_PATH_PREFIX">;
}

const PORT = 8000;
const labels = { app: "pulp" };

/**
 * The ways from the outside to both servers, with TLS at the edge; the longer path goes first.
 *
 * @param kind `route` of OpenShift, `ingress` of Kubernetes, or `none`
 * @throws `appErrors.usage` for another one
 */
export function edgeObjects(kind: string, options: EdgeOptions): readonly KubernetesObject[] {
  const { API_ROOT, CONTENT_PATH_PREFIX } = options.settings;
  const edges: readonly Edge[] = [
    { name: "pulp-content", path: pathOf(CONTENT_PATH_PREFIX), service: "pulp-content" },
    { name: "pulp-api", path: pathOf(API_ROOT), service: "pulp-api" },
  ];
  switch (kind) {
    case "route":
      return edges.map((edge) => route(edge, options));
    case "ingress":
      return [ingress(edges, options)];
    case "none":
      return [];
    default:
      throw appErrors.usage(`--ingress is route, ingress or none, not '${kind}'.`);
  }
}

const pathOf = (prefix: string): string => prefix.replace(/\/$/, "") || "/";

const route = ({ name, path, service }: Edge, { host }: EdgeOptions): KubernetesObject => ({
  ...{ apiVersion: "route.openshift.io/v1", kind: "Route" },
  metadata: {
    ...{ name, labels },
    // The longest answer of the API is that of a large upload.
    annotations: { "haproxy.router.openshift.io/timeout": "1800s" },
  },
  spec: {
    ...(host === "" ? {} : { host }),
    path,
    to: { kind: "Service", name: service, weight: 100 },
    port: { targetPort: PORT },
    tls: { termination: "edge", insecureEdgeTerminationPolicy: "Redirect" },
    wildcardPolicy: "None",
  },
});

const ingress = (edges: readonly Edge[], { host }: EdgeOptions): KubernetesObject => ({
  ...{ apiVersion: "networking.k8s.io/v1", kind: "Ingress" },
  metadata: { name: "pulp", labels },
  spec: {
    ...(host === "" ? {} : { tls: [{ hosts: [host], secretName: "pulp-tls" }] }),
    rules: [
      {
        ...(host === "" ? {} : { host }),
        http: {
          paths: edges.map(({ path, service }) => ({
            ...{ path, pathType: "Prefix" },
            backend: { service: { name: service, port: { number: PORT } } },
          })),
        },
      },
    ],
  },
});
