import type { Json } from "#base/json.ts";

/** An answer of the self-service in its own shape: `{"error": text}`. */
export class Refusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = "Refusal";
    this.status = status;
  }
}

interface Answer {
  readonly kind: "json";
  readonly status: number;
  readonly body: Json;
}

/** Does the work; a refusal becomes the answer. */
export async function answered<Outcome>(work: () => Promise<Outcome>): Promise<Outcome | Answer> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { kind: "json", status: error.status, body: { error: error.message } };
  }
}

/** The domain whose store others get a copy of. */
export const TEMPLATE = "template-domain-s3";

export const NO_NAME = "Domain name is required.";
export const NO_TEMPLATE = `Model domain '${TEMPLATE}' not found. Please create it first with correct storage settings.`;
