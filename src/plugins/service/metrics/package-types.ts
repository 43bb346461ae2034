/** Types whose downloads are counted (service §9.4). */
export const PACKAGE_TYPES = [
  ...["rpm", "python", "maven", "npm", "gem", "container", "file"],
] as const;
