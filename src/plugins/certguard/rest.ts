import { contentGuardResource, FieldProblem, text } from "#sdk";
import { pemCertificates } from "./format/pem.ts";

/** Each certificate may cost a comparison per download. */
const MAX_CERTIFICATES = 100;

const names = (type: string, model: string, title: string) => ({
  ...{ label: "certguard", type: `certguard.${type}`, model },
  ...{ path: `contentguards/certguard/${type}`, title },
});

/** One or more PEM certificates; comments between them stay. */
function checkCaCertificate(pem: string): string {
  const certificates = pemCertificates(pem);
  if (certificates === undefined || certificates.length === 0) {
    throw new FieldProblem("Must be PEM encoded X.509 certificate.");
  }
  if (certificates.length > MAX_CERTIFICATES) {
    throw new FieldProblem(`Ensure this field has no more than ${MAX_CERTIFICATES} certificates.`);
  }
  return pem;
}

const fields = { ca_certificate: text({ required: true, check: checkCaCertificate }) };

export const x509GuardResource = contentGuardResource({
  ...names("x509", "X509CertGuard", "X.509 certificate guard"),
  detail: "certguard_guard",
  fields,
});

export const rhsmGuardResource = contentGuardResource({
  ...names("rhsm", "RHSMCertGuard", "RHSM certificate guard"),
  detail: "certguard_guard",
  fields,
});
