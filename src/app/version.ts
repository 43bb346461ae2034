import manifest from "../../package.json" with { type: "json" };

/** Release of the peer whose interface this program speaks; clients gate features on it. */
export const CORE_VERSION = "3.95.0";

/** Our own release. */
export const RELEASE: string = manifest.version;
