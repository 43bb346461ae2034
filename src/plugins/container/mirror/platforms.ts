import type { PlatformFacts } from "../format/manifest.ts";

/** `linux/amd64`, or with a variant `linux/arm/v7`. */
const PLATFORM = /^[a-z0-9]{1,32}\/[a-z0-9_]{1,32}(\/[a-z0-9.]{1,32})?$/;

export const isPlatform = (text: string): boolean => PLATFORM.test(text);

/** What `linux/arm64` means where nobody says more (image-spec, platform variants). */
const COMMON_VARIANT = new Map([["arm64", "v8"]]);

/**
 * Whether a mirror that takes some platforms takes a child of an index. One that says nothing of its
 * machine is taken, and so is one of none (`unknown/unknown`), as attestations of builders are.
 *
 * @param wanted empty takes all.
 */
export function takesPlatform(
  wanted: readonly string[],
  { architecture, os, variant }: PlatformFacts = NONE,
): boolean {
  const isOfNone = [os, architecture].every((part) => part === "" || part === "unknown");
  if (wanted.length === 0 || isOfNone) return true;
  return wanted.some((platform) => {
    const [wantedOs, wantedArchitecture, wantedVariant] = platform.split("/");
    if (wantedOs !== os || wantedArchitecture !== architecture) return false;
    return (
      wantedVariant === undefined ||
      wantedVariant === (variant === "" ? COMMON_VARIANT.get(architecture) : variant)
    );
  });
}

const NONE = {
  ...{ architecture: "", os: "", os_version: "", os_features: "" },
  ...{ features: "", variant: "" },
};
