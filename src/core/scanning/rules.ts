import type { Labels } from "#base/labels.ts";

const LABEL = "malware_scanning";

/** Whether somebody asks for scans of what goes in. */
export const wantsScans = (labels: Labels): boolean => labels[LABEL]?.toLowerCase() === "true";

/** Where infected bytes lie in the store of their domain: no address leads there. */
export const quarantineName = (sha256: string): string =>
  `quarantine/${sha256.slice(0, 2)}/${sha256.slice(2)}`;

export const quarantinedText = (sha256: string, signature: string): string =>
  `Artifact ${sha256} is quarantined: ${signature}.`;
