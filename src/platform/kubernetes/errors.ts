import { defineErrors } from "#base/errors.ts";

/** What can be wrong with the cluster that a command works on. */
export const kubernetesErrors = defineErrors({
  outside: {
    code: "kubernetes-outside",
    status: 500,
    message: (reason: string) =>
      `This is no pod with a service account: ${reason}; --folder and --print need none.`,
  },
  refused: {
    code: "kubernetes-refused",
    status: 500,
    message: (title: string, reason: string) => `Kubernetes does not make ${title}: ${reason}.`,
  },
  unreachable: {
    code: "kubernetes-unreachable",
    status: 500,
    message: (reason: string) => `Kubernetes does not answer: ${reason}.`,
  },
});
