import type { JsonObject } from "#base/json.ts";
import type { Labels } from "#base/labels.ts";
import type { StoreSettings } from "#platform/storage/storage.ts";

export {
  AZURE,
  FILE_SYSTEM,
  GCS,
  OCI_CLASSES,
  S3_CLASSES,
  S3_EDGE,
  SFTP_CLASSES,
  STORAGE_CLASSES,
} from "./storage-classes.ts";

/** What a domain is made from; `store` has every option, checked by `storeOptions`. */
export interface NewDomain {
  readonly name: string;
  readonly description?: string | null;
  readonly labels?: Labels;
  readonly store: StoreSettings;
  readonly redirectsToStore?: boolean;
  readonly hidesGuarded?: boolean;
}

export type DomainPatch = Partial<NewDomain>;

/** The store of a domain as its row has it. */
export interface StoredStore {
  readonly storageClass: string;
  /** Each leaf is a token. */
  readonly sealed: JsonObject;
  readonly epoch: number;
}
