import type { defineResource, labelSelect } from "#sdk";

type Operations = Parameters<typeof defineResource>[0]["operations"];

/** What a check of a resource is called with beside the values. */
export type Run = Parameters<NonNullable<NonNullable<Operations["create"]>["check"]>>[0];

/** Called by whoever makes an object, in its transaction. */
export type Made = Parameters<NonNullable<NonNullable<Operations["create"]>["apply"]>>[2];

/** A filter of a list. */
export type Filter = ReturnType<typeof labelSelect>;
