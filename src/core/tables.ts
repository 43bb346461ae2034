import type * as access from "./access/table.ts";
import type { AcsPathTable, AcsTable } from "./acs/table.ts";
import type * as artifacts from "./artifacts/table.ts";
import type * as audit from "./audit/table.ts";
import type * as content from "./content/table.ts";
import type * as distributions from "./distributions/table.ts";
import type { DomainTable, DomainUsageTable } from "./domains/table.ts";
import type * as guards from "./guards/table.ts";
import type { SystemSettingTable } from "./maintenance/table.ts";
import type { AccessPolicyTable } from "./policies/table.ts";
import type { PublicationPathTable, PublicationTable } from "./publications/table.ts";
import type { RemoteArtifactTable, RemoteTable } from "./remotes/table.ts";
import type {
  MembershipTable,
  RepositoryTable,
  RepositoryVersionTable,
} from "./repositories/table.ts";
import type { MalwareScanTable } from "./scanning/table.ts";
import type { TaskScheduleTable } from "./schedules/table.ts";
import type { SigningServiceTable } from "./signing/table.ts";
import type * as tasks from "./tasks/table.ts";
import type { UploadChunkTable, UploadTable } from "./uploads/table.ts";
import type * as vulnerabilities from "./vulnerabilities/table.ts";

/** Every table of the core by name; a plugin adds its own with `db.withTables<…>()`. */
export interface CoreTables {
  readonly domain: DomainTable;
  readonly domain_usage: DomainUsageTable;
  readonly system_setting: SystemSettingTable;
  readonly artifact: artifacts.ArtifactTable;
  readonly malware_scan: MalwareScanTable;
  readonly artifact_digest: artifacts.ArtifactDigestTable;
  readonly storage_intent: artifacts.StorageIntentTable;
  readonly temporary_file: artifacts.TemporaryFileTable;
  readonly content_type: content.ContentTypeTable;
  readonly content: content.ContentTable;
  readonly content_artifact: content.ContentArtifactTable;
  readonly content_count: content.ContentCountTable;
  readonly orphan_candidate: content.OrphanCandidateTable;
  readonly remote: RemoteTable;
  readonly remote_artifact: RemoteArtifactTable;
  readonly repository: RepositoryTable;
  readonly repository_version: RepositoryVersionTable;
  readonly membership: MembershipTable;
  readonly publication: PublicationTable;
  readonly publication_path: PublicationPathTable;
  readonly distribution: distributions.DistributionTable;
  readonly distributed_publication: distributions.DistributedPublicationTable;
  readonly distribution_event: distributions.DistributionEventTable;
  readonly content_guard: guards.ContentGuardTable;
  readonly header_guard: guards.HeaderGuardTable;
  readonly composite_guard_member: guards.CompositeGuardMemberTable;
  readonly alternate_content_source: AcsTable;
  readonly acs_path: AcsPathTable;
  readonly upload: UploadTable;
  readonly upload_chunk: UploadChunkTable;
  readonly app_user: access.UserTable;
  readonly session: access.SessionTable;
  readonly app_group: access.GroupTable;
  readonly group_member: access.GroupMemberTable;
  readonly object_kind: access.ObjectKindTable;
  readonly role: access.RoleTable;
  readonly role_permission: access.RolePermissionTable;
  readonly role_assignment: access.RoleAssignmentTable;
  readonly access_policy: AccessPolicyTable;
  readonly api_token: access.ApiTokenTable;
  readonly exchanged_jwt: access.ExchangedJwtTable;
  readonly app_process: tasks.AppProcessTable;
  readonly task: tasks.TaskTable;
  readonly task_group: tasks.TaskGroupTable;
  readonly group_progress: tasks.GroupProgressTable;
  readonly task_progress: tasks.TaskProgressTable;
  readonly created_resource: tasks.CreatedResourceTable;
  readonly profile_artifact: tasks.ProfileArtifactTable;
  readonly task_queue: tasks.TaskQueueTable;
  readonly task_held: tasks.TaskHeldTable;
  readonly task_wait: tasks.TaskWaitTable;
  readonly task_schedule: TaskScheduleTable;
  readonly signing_service: SigningServiceTable;
  readonly vulnerability_report: vulnerabilities.VulnerabilityReportTable;
  readonly vulnerability_report_version: vulnerabilities.VulnerabilityReportVersionTable;
  readonly audit_entry: audit.AuditEntryTable;
  readonly audit_task_end: audit.AuditTaskEndTable;
  readonly audit_task_object: audit.AuditTaskObjectTable;
}
