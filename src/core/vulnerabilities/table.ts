import type { Json } from "#base/json.ts";
import type { Stamped } from "#platform/db/columns.ts";

/** One per unit that has, or had, vulnerabilities. */
export interface VulnerabilityReportTable {
  readonly id: string;
  readonly domain: number;
  readonly content: string;
  /** Records of OSV. */
  readonly vulns: Json;
  readonly created: Stamped;
  readonly updated: Stamped;
}

/** Versions whose scan has found, or looked at, the report. */
export interface VulnerabilityReportVersionTable {
  readonly domain: number;
  readonly version: string;
  readonly report: string;
}
