import { configMap } from "./clowdapp.ts";
import { parameter, rawParameter, template } from "./yaml.ts";

const PORT = 8080;
const labels = { app: "pulp", component: "vpn-proxy" };
const probe = { httpGet: { path: "/healthz", port: PORT }, periodSeconds: 10, timeoutSeconds: 5 };

const parameters = [
  { name: "NGINX_IMAGE", value: "docker.io/library/nginx:1.28", about: "Image of nginx" },
  { name: "VPN_PROXY_REPLICAS", value: "2", about: "Pods of the proxy" },
  { name: "UPSTREAM_URL", about: "Scheme and host of the service, as https://packages.example" },
];

/** A way in for a private network, which the gateway knows by a secret (service §21). */
export const vpnProxyTemplate = (files: Readonly<Record<string, string>>): object =>
  template("pulp-vpn-proxy", parameters, [
    configMap("pulp-vpn-proxy", files),
    {
      ...{ apiVersion: "apps/v1", kind: "Deployment" },
      metadata: { name: "pulp-vpn-proxy", labels },
      spec: {
        replicas: rawParameter("VPN_PROXY_REPLICAS"),
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: pod },
      },
    },
    {
      ...{ apiVersion: "v1", kind: "Service" },
      metadata: { name: "pulp-vpn-proxy", labels },
      spec: { selector: labels, ports: [{ name: "web", port: PORT, targetPort: PORT }] },
    },
  ]);

const pod = {
  automountServiceAccountToken: false,
  enableServiceLinks: false,
  securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
  containers: [
    {
      name: "nginx",
      image: parameter("NGINX_IMAGE"),
      command: ["sh", "/config/start.sh"],
      env: [
        { name: "UPSTREAM_URL", value: parameter("UPSTREAM_URL") },
        {
          name: "VPN_SECRET",
          valueFrom: { secretKeyRef: { name: "pulp-vpn-access", key: "secret" } },
        },
      ],
      ports: [{ name: "web", containerPort: PORT }],
      readinessProbe: probe,
      livenessProbe: probe,
      resources: {
        requests: { cpu: "50m", memory: "64Mi" },
        limits: { cpu: "500m", memory: "128Mi" },
      },
      securityContext: {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ["ALL"] },
      },
      volumeMounts: [
        { name: "config", mountPath: "/config", readOnly: true },
        { name: "tmp", mountPath: "/tmp" },
      ],
    },
  ],
  volumes: [
    { name: "config", configMap: { name: "pulp-vpn-proxy" } },
    { name: "tmp", emptyDir: {} },
  ],
};
