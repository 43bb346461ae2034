import { defineErrors } from "#base/errors.ts";

/** What stops a start or a command: one sentence that says what to do. */
export const appErrors = defineErrors({
  homeInUse: {
    code: "home-in-use",
    status: 500,
    message: (home: string, pid: number) =>
      `The data folder ${home} is in use by process ${pid}; stop that one first, or set DECKLE_HOME to another folder.`,
  },
  home: {
    code: "home-unusable",
    status: 500,
    message: (home: string, reason: string) => `The data folder ${home} cannot be used: ${reason}.`,
  },
  middleware: {
    code: "middleware-unknown",
    status: 500,
    message: (name: string, known: string) =>
      `MIDDLEWARE names ${name}, which is none of ${known}.`,
  },
  store: {
    code: "store-unusable",
    status: 500,
    message: (reason: string) => `STORAGES.default.OPTIONS cannot be used: ${reason}.`,
  },
  bind: {
    code: "bind-malformed",
    status: 500,
    message: (text: string) =>
      `The address '${text}' must be host:port, [IPv6]:port, :port or unix:/path.`,
  },
  listen: {
    code: "bind-failed",
    status: 500,
    message: (text: string, reason: string) => `Cannot listen on ${text}: ${reason}.`,
  },
  databaseUrl: {
    code: "database-url-malformed",
    status: 500,
    message: () => "DATABASE_URL must be postgresql://user:password@host:port/name.",
  },
  database: {
    code: "database-unreachable",
    status: 500,
    message: (reason: string) => `The database cannot be reached: ${reason}.`,
  },
  unmigrated: {
    code: "database-unmigrated",
    status: 500,
    message: (count: number) =>
      `The database lacks ${count} migrations; run pulpcore-manager migrate first.`,
  },
  domains: {
    code: "domains-incompatible",
    status: 500,
    message: (labels: string) =>
      `DOMAIN_ENABLED cannot be set: these plugins keep no domains apart: ${labels}.`,
  },
  redis: {
    code: "redis-missing",
    status: 500,
    message: () => "WORKER_TYPE 'redis' needs REDIS_URL or REDIS_HOST.",
  },
  usage: { code: "usage", status: 500, message: (text: string) => text },
});
