import { loginEndpoints, loginSchemas } from "../auth/login.ts";
import type { ApiParts } from "../kit/resource.ts";
import { accessPolicy } from "./access-policies.ts";
import { artifact } from "./artifacts.ts";
import { auditEntry } from "./audit.ts";
import { domain } from "./domains.ts";
import { artifactDistribution } from "./families/artifact-distribution.ts";
import { coreGuardResources } from "./families/guard-resources.ts";
import { group, groupUser } from "./groups.ts";
import { orphansCleanup, orphansDelete, reclaimSpace, repair } from "./housekeeping.ts";
import { groupRole, userRole } from "./role-assignments.ts";
import { role } from "./roles.ts";
import { coreSchemas } from "./schemas.ts";
import { signingServices } from "./signing-services.ts";
import { livez, readyz, status } from "./status.ts";
import { taskGroup } from "./task-groups.ts";
import { taskSchedule } from "./task-schedules.ts";
import { task } from "./tasks.ts";
import { exchangedTokenSchema, tokenExchange } from "./token-exchange.ts";
import { apiToken, createdTokenSchema } from "./tokens.ts";
import { upload } from "./uploads.ts";
import { user } from "./users.ts";
import { vulnerabilityReports } from "./vulnerability-reports.ts";
import { worker } from "./workers.ts";

/** What the core serves besides the families of master and detail objects. */
export const coreParts: ApiParts = {
  resources: [
    ...coreGuardResources,
    accessPolicy,
    apiToken,
    artifact,
    auditEntry,
    artifactDistribution,
    domain,
    group,
    groupRole,
    role,
    signingServices,
    taskGroup,
    taskSchedule,
    task,
    upload,
    user,
    // After users: a PRN of one means the user, not the member.
    groupUser,
    userRole,
    vulnerabilityReports,
    worker,
  ],
  endpoints: [
    livez,
    readyz,
    ...loginEndpoints,
    orphansCleanup,
    orphansDelete,
    reclaimSpace,
    repair,
    status,
    tokenExchange,
  ],
  sites: [],
  described: [],
  schemas: {
    ...coreSchemas,
    ...loginSchemas,
    ApiTokenCreatedResponse: createdTokenSchema,
    ApiTokenExchangeResponse: exchangedTokenSchema,
  },
};
