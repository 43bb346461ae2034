/** Codes of the OCI distribution-spec, and `INVALID_REQUEST` of old clients (plugin-container §7.1). */
export type RegistryCode =
  | "BLOB_UNKNOWN"
  | "BLOB_UPLOAD_INVALID"
  | "BLOB_UPLOAD_UNKNOWN"
  | "DENIED"
  | "DIGEST_INVALID"
  | "INVALID_REQUEST"
  | "MANIFEST_BLOB_UNKNOWN"
  | "MANIFEST_INVALID"
  | "MANIFEST_UNKNOWN"
  | "NAME_INVALID"
  | "NAME_UNKNOWN"
  | "SIGNATURE_INVALID"
  | "SIZE_INVALID"
  | "TOOMANYREQUESTS"
  | "UNAUTHORIZED"
  | "UNKNOWN"
  | "UNSUPPORTED";

export interface RegistryProblem {
  readonly code: RegistryCode;
  readonly message: string;
  readonly detail?: Readonly<Record<string, unknown>>;
}

/** A refusal in the words of the registry protocol. */
export class RegistryError extends Error {
  readonly status: number;
  readonly problems: readonly RegistryProblem[];
  /** Beside those of every answer. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    problems: RegistryProblem | readonly RegistryProblem[],
    headers: Readonly<Record<string, string>> = {},
  ) {
    const all = [problems].flat();
    super(all.map(({ code, message }) => `${code}: ${message}`).join("; "));
    this.name = "RegistryError";
    this.status = status;
    this.problems = all;
    this.headers = headers;
  }
}

const one = (
  status: number,
  code: RegistryCode,
  message: string,
  detail: RegistryProblem["detail"] = {},
) => new RegistryError(status, { code, message, detail });

/** Refusals by situation: status, code and text are a contract (plugin-container §7.1). */
export const registryErrors = {
  nameUnknown: (name: string) => one(404, "NAME_UNKNOWN", "Repository not found.", { name }),
  nameInvalid: (name: string, message = "Invalid repository name.") =>
    one(400, "NAME_INVALID", message, { name }),
  /** @param message what has the name, so that users can do something about it. */
  nameTaken: (name: string, message: string) => one(404, "NAME_UNKNOWN", message, { name }),
  manifestUnknown: (reference: string) =>
    one(404, "MANIFEST_UNKNOWN", "Manifest not found.", { reference }),
  manifestInvalid: (message: string, digest: string) =>
    one(400, "MANIFEST_INVALID", message, { digest }),
  manifestTooLarge: (limitBytes: number) =>
    one(413, "MANIFEST_INVALID", `A manifest has at most ${limitBytes} bytes.`),
  tagInvalid: (tag: string) =>
    one(400, "MANIFEST_INVALID", "The tag is not valid.", { reference: tag }),
  blobUnknown: (digest: string) => one(404, "BLOB_UNKNOWN", "blob unknown to registry", { digest }),
  blobsUnknown: (digests: readonly string[]) =>
    new RegistryError(
      400,
      digests.map((digest) => ({
        code: "MANIFEST_BLOB_UNKNOWN",
        message: "blob unknown to registry",
        detail: { digest },
      })),
    ),
  uploadUnknown: (uuid: string) =>
    one(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry", { uuid }),
  digestInvalid: (digest: string, message = "The content does not match the digest.") =>
    one(400, "DIGEST_INVALID", message, { digest }),
  sizeInvalid: (message: string) => one(400, "SIZE_INVALID", message),
  range: () => one(400, "INVALID_REQUEST", "Invalid range header"),
  blobByDigest: () => one(400, "INVALID_REQUEST", "A blob can only be deleted by digest."),
  crossDomainMount: () => one(400, "INVALID_REQUEST", "Cross-domain blob mounting is not allowed."),
  /** @param headers where the upload goes on, and how far it is */
  outOfOrder: (headers: Readonly<Record<string, string>>) =>
    new RegistryError(
      416,
      { code: "BLOB_UPLOAD_INVALID", message: "The chunk does not follow the bytes so far." },
      headers,
    ),
  schema1: (digest: string) =>
    one(400, "MANIFEST_INVALID", "Pushing manifests of the version V1 is not supported.", {
      digest,
    }),
  cache: () => one(405, "UNSUPPORTED", "Nothing can be pushed to a cache of another registry."),
  rangeUnsatisfiable: (contentRange: string) =>
    new RegistryError(
      416,
      { code: "UNSUPPORTED", message: "The range is not satisfiable." },
      { "Content-Range": contentRange },
    ),
  condition: () =>
    one(400, "UNSUPPORTED", "If-Match takes digests in quotes, or *; If-None-Match takes *."),
  conditionFailed: (tag: string) =>
    one(412, "DENIED", "The tag does not mean what If-Match or If-None-Match says.", { tag }),
  tagDeletion: () => one(405, "UNSUPPORTED", "Tags cannot be deleted."),
  tooManyTags: () => one(414, "UNSUPPORTED", "Too many tags."),
  method: (allowed: readonly string[]) =>
    new RegistryError(
      405,
      { code: "UNSUPPORTED", message: "The method is not supported here.", detail: {} },
      { Allow: allowed.join(", ") },
    ),
  route: () => one(404, "UNSUPPORTED", "There is nothing at this address."),
  /** @param message which rule keeps what the request would change */
  immutable: (message: string) => one(409, "DENIED", message),
  denied: (message = "Access to the requested resource is not authorized.") =>
    one(403, "DENIED", message),
  infected: () => one(403, "DENIED", "Malware was found in the blob."),
  tooLarge: (message: string) => one(413, "SIZE_INVALID", message),
  tagTaken: (tags: readonly string[]) =>
    one(409, "DENIED", "The repository keeps its tags as they are.", { tags: tags.join(", ") }),
  /** @param challenge `WWW-Authenticate` */
  unauthorized: (challenge: string, message = "Authentication credentials were not provided.") =>
    new RegistryError(
      401,
      { code: "UNAUTHORIZED", message, detail: {} },
      { "WWW-Authenticate": challenge },
    ),
  throttled: (seconds: number) =>
    new RegistryError(
      429,
      { code: "TOOMANYREQUESTS", message: "Request was throttled.", detail: {} },
      { "Retry-After": String(seconds) },
    ),
  /** Nothing is wrong with the request: another try succeeds. */
  cleanedUp: () => {
    const message = "A clean-up removed what was being pushed. Push it again.";
    return new RegistryError(503, { code: "UNKNOWN", message, detail: {} }, { "Retry-After": "1" });
  },
  failed: (status: number) =>
    status === 400
      ? one(400, "UNSUPPORTED", "The request is malformed.")
      : one(
          status,
          "UNKNOWN",
          status === 503 ? "The service is not available." : "An error occurred.",
        ),
} as const;
