import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Agent, request } from "undici";
import { kubernetesErrors } from "./errors.ts";

/** What makes objects in the namespace of this pod. */
export interface Kubernetes extends AsyncDisposable {
  readonly namespace: string;
  /**
   * Makes an object; one of the same name is left as it is.
   *
   * @returns whether it was made now
   * @throws `kubernetesErrors.refused`, `kubernetesErrors.unreachable`
   */
  create(object: KubernetesObject): Promise<boolean>;
}

export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly [name: string]: unknown };
  readonly [name: string]: unknown;
}

/** Where every pod finds who it is. */
const ACCOUNT_FOLDER = "/var/run/secrets/kubernetes.io/serviceaccount";
const ANSWER_MS = 30_000;
const MAX_ANSWER_BYTES = 1 << 20;

/**
 * Speaks to the API server as the service account of this pod.
 *
 * @param environment `KUBERNETES_SERVICE_HOST` and `KUBERNETES_SERVICE_PORT` say where it is
 * @throws `kubernetesErrors.outside` if this is no pod, or one without an account
 */
export async function openKubernetes(
  environment: Readonly<Record<string, string | undefined>>,
  folder = ACCOUNT_FOLDER,
): Promise<Kubernetes> {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port = "443" } = environment;
  if (!host) throw kubernetesErrors.outside("KUBERNETES_SERVICE_HOST is not set");
  const [token, namespace, ca] = await Promise.all(
    ["token", "namespace", "ca.crt"].map((name) => accountFile(join(folder, name))),
  );
  const origin = `https://${host.includes(":") ? `[${host}]` : host}:${port}`;
  const dispatcher = new Agent({ connect: { ca }, maxResponseSize: MAX_ANSWER_BYTES });
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  return {
    namespace: namespace ?? "",
    async create(object) {
      const path = collectionPath(object, namespace ?? "");
      const { status, message } = await answerOf(`${origin}${path}`, {
        ...{ method: "POST", headers, dispatcher, body: JSON.stringify(object) },
        signal: AbortSignal.timeout(ANSWER_MS),
      });
      if (status < 300) return true;
      if (status === 409) return false;
      throw kubernetesErrors.refused(titleOf(object), `${status} ${message}`.trim());
    },
    [Symbol.asyncDispose]: () => dispatcher.close(),
  };
}

async function accountFile(file: string): Promise<string> {
  try {
    return (await readFile(file, "utf8")).trim();
  } catch (error) {
    throw kubernetesErrors.outside((error as Error).message);
  }
}

/** Collections are called after their kind, in the plural. */
function collectionPath({ apiVersion, kind }: KubernetesObject, namespace: string): string {
  const root = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const plural = kind.toLowerCase() + (kind.endsWith("s") ? "es" : "s");
  return `${root}/namespaces/${encodeURIComponent(namespace)}/${plural}`;
}

const titleOf = ({ kind, metadata }: KubernetesObject): string => `${kind} ${metadata.name}`;

async function answerOf(url: string, options: Parameters<typeof request>[1]) {
  try {
    const { statusCode, body } = await request(url, options);
    const text = await body.text();
    return { status: statusCode, message: messageOf(text) };
  } catch (error) {
    throw kubernetesErrors.unreachable((error as Error).message);
  }
}

/** A refusal is an object of the kind Status, a proxy's anything. */
function messageOf(text: string): string {
  try {
    const { message } = JSON.parse(text) as { readonly message?: unknown };
    return typeof message === "string" ? message : "";
  } catch {
    return "";
  }
}
