import { Type } from "@sinclair/typebox";
import { defineSettings } from "#base/settings.ts";

/** The scanner of malware (service §15). */
export const scanSettings = defineSettings({
  CLAMAV_HOST: {
    schema: Type.Union([Type.String(), Type.Null()]),
    default: null,
    doc: 'Host of a ClamAV daemon that scans what is stored for repositories and domains with the label `malware_scanning: "true"`; null scans nothing.',
  },
  CLAMAV_PORT: {
    schema: Type.Integer({ minimum: 1, maximum: 65_535 }),
    default: 3310,
    doc: "Its TCP port.",
  },
  CLAMAV_TIMEOUT: {
    schema: Type.Integer({ minimum: 1 }),
    default: 300,
    unit: "seconds",
    doc: "Time of one scan.",
  },
  CLAMAV_FAIL_MODE: {
    schema: Type.Union([Type.Literal("open"), Type.Literal("closed")]),
    default: "open",
    doc: "What happens when it does not answer: `open` takes the file and logs it, `closed` refuses it.",
  },
  CLAMAV_ON_OVERSIZE: {
    schema: Type.Union([Type.Literal("allow"), Type.Literal("reject")]),
    default: "allow",
    doc: "What happens to files above the limit of the daemon: they are taken unscanned, or refused.",
  },
  CLAMAV_BLOCK_EXISTING: {
    schema: Type.Boolean(),
    default: false,
    doc: "Whether files that are stored already are served no more once a scan finds something in them: the content app, the registry and indexes answer 403 until the finding is released.",
  },
  CLAMAV_QUARANTINE_DAYS: {
    schema: Type.Integer({ minimum: 0 }),
    default: 30,
    unit: "days",
    doc: "How long the bytes of infected files are kept for those who look into them; 0 keeps them. Removed by a task of the hosted service.",
  },
});
