/** The member of an archive that says what the archive is. */
export interface MetadataMember {
  /** Path inside the archive. */
  readonly name: string;
  readonly bytes: Buffer;
}

/** Whether a file of such a name has metadata indeed (plugin-python §2.5). */
export const isMetadata = (bytes: Buffer): boolean => bytes.includes("Metadata-Version");

export const isPackageInfo = (name: string): boolean => /(?:^|\/)PKG-INFO$/.test(name);
