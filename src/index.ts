export { Catalog, CatalogBuilder } from './catalog/catalog.ts';
export type { IndexContent, SourceVersion } from './catalog/catalog.ts';
export type { CatalogPackage, CatalogVersion } from './catalog/package.ts';
export { examineHost, mendHost } from './commands/doctor.ts';
export type { DoctorContext, DoctorResult, MendContext } from './commands/doctor.ts';
export { fetchRepo } from './commands/fetch.ts';
export type { FetchContext, FetchRequest, FetchResult, FetchSummary } from './commands/fetch.ts';
export { loadCatalog } from './commands/load-catalog.ts';
export type { IndexSource, LoadedCatalog, LoadOptions, TakeRecords } from './commands/load-catalog.ts';
export { makeLock, updateLock } from './commands/lock.ts';
export type { LockOptions, LockResult, LockSource } from './commands/lock.ts';
export { makeMedia } from './commands/media.ts';
export type { Answers, MediaContext, MediaRequest, MediaResult } from './commands/media.ts';
export { pruneRepo } from './commands/prune.ts';
export type { PruneContext, PruneRequest, PruneResult } from './commands/prune.ts';
export { verifyRepo } from './commands/verify.ts';
export type { VerifyContext, VerifyRequest, VerifyResult } from './commands/verify.ts';
export { prepareVm } from './commands/vm-context.ts';
export type { VmContext, VmDirectory, VmOptions } from './commands/vm-context.ts';
export { installVm } from './commands/vm-install.ts';
export type { VmInstallRequest } from './commands/vm-install.ts';
export { findInstalled, findSnapshot, runVm } from './commands/vm-run.ts';
export type { VmRunContext, VmRunRequest } from './commands/vm-run.ts';
export { snapshotVm } from './commands/vm-snapshot.ts';
export type { VmSnapshotRequest } from './commands/vm-snapshot.ts';
export { collectStages, listStages, removeStages } from './commands/vm-stages.ts';
export type { Collected, CollectRequest, RemovalContext, StageListing } from './commands/vm-stages.ts';
export { CygstrapError } from './errors.ts';
export type { ErrorCode, ErrorOptions } from './errors.ts';
export type { Event, Report } from './events.ts';
export { InputError } from './input/input-error.ts';
export { openIndex } from './input/open-index.ts';
export type { IndexFacts, IndexInput, InputLimits, OpenIndexOptions } from './input/open-index.ts';
export type { Lock, LockedFile, LockedIndex, LockedPackage, LockRequest } from './lock/lock.ts';
export { parseLock } from './lock/parse.ts';
export { printLock } from './lock/print.ts';
export type { WrittenImage } from './media/written.ts';
export type { FileStamp, FrozenMachine, InstalledManifest, MachineWishes, Manifest, SnapshotManifest } from './pipeline/manifest.ts';
export type { RunResult } from './pipeline/run.ts';
export { TOPOLOGIES } from './pipeline/topology.ts';
export type { TopologyName } from './pipeline/topology.ts';
export { dotText } from './report/dot.ts';
export { planJson, refusalJson } from './report/json.ts';
export type { IndexSummary } from './report/json.ts';
export { nixText } from './report/nix.ts';
export { tableText } from './report/table.ts';
export { treeText } from './report/tree.ts';
export { urlsText } from './report/urls.ts';
export { conflictText } from './resolve/explain.ts';
export { parseInstalledDb } from './resolve/installed.ts';
export type {
  Conflict,
  ConflictCode,
  ConflictStep,
  InstalledPackage,
  LeftOut,
  Plan,
  PlanAction,
  PlannedPackage,
  PlannedSource,
  PlanReason,
  ResolveRequest,
  ResolveResult,
} from './resolve/plan.ts';
export { DEFAULT_WINDOWS, EMPTY_REQUEST, resolve } from './resolve/resolve.ts';
export { serveRepo } from './serve/serve.ts';
export { ParseError } from './setup-ini/diagnostics.ts';
export type { Diagnostic, DiagnosticCode } from './setup-ini/diagnostics.ts';
export { DEFAULT_LIMITS } from './setup-ini/limits.ts';
export type { Limits } from './setup-ini/limits.ts';
export { lintRecords } from './setup-ini/lint.ts';
export { RowParser, SetupIniParser, parseRecords, parseText } from './setup-ini/parse.ts';
export type { ParsedIndex, ParserOptions } from './setup-ini/parse.ts';
export { printIndex, printPackage } from './setup-ini/print.ts';
export type { Archive, Dependency, IndexHeader, Operator, PackageBlock, PackageRecord, SourceArchive, Stability, VersionRecord } from './setup-ini/records.ts';
export type { PackageRows, VersionRows } from './setup-ini/version-table.ts';
export { compareVersions } from './version/compare.ts';
export { criteriaMeet } from './version/criteria.ts';
export type { Host } from './vm/host.ts';
export type { Mend, Need } from './vm/probe/needs.ts';
