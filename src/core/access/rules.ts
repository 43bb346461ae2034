import { COMMON_PASSWORDS } from "./common-passwords.ts";

/** What is wrong with a new password, in the wire's words (core-rest §5); empty is fine. */
export function passwordProblems(password: string): string[] {
  return [
    ...(password.length < 8
      ? ["This password is too short. It must contain at least 8 characters."]
      : []),
    ...(COMMON_PASSWORDS.has(password.toLowerCase().trim())
      ? ["This password is too common."]
      : []),
    ...(/^\d+$/.test(password) ? ["This password is entirely numeric."] : []),
  ];
}
