export { Catalog, CatalogBuilder } from './core/catalog/catalog.ts';
export type { IndexContent, SourceVersion } from './core/catalog/catalog.ts';
export type { CatalogPackage, CatalogVersion } from './core/catalog/package.ts';
export { examineHost, mendHost } from './api/doctor.ts';
export type { DoctorContext, DoctorResult, MendContext } from './api/doctor.ts';
export { fetchRepo } from './api/fetch.ts';
export type { FetchContext, FetchRequest, FetchResult, FetchSummary } from './api/fetch.ts';
export { loadCatalog } from './api/load-catalog.ts';
export type { IndexSource, LoadedCatalog, LoadOptions, TakeRecords } from './api/load-catalog.ts';
export { makeLock, updateLock } from './api/lock.ts';
export type { LockOptions, LockResult, LockSource } from './api/lock.ts';
export { makeMedia } from './api/media.ts';
export type { Answers, MediaContext, MediaRequest, MediaResult } from './api/media.ts';
export { pruneRepo } from './api/prune.ts';
export type { PruneContext, PruneRequest, PruneResult } from './api/prune.ts';
export { verifyRepo } from './api/verify.ts';
export type { VerifyContext, VerifyRequest, VerifyResult } from './api/verify.ts';
export { prepareVm } from './api/vm-context.ts';
export type { VmContext, VmDirectory, VmOptions } from './api/vm-context.ts';
export { installVm } from './api/vm-install.ts';
export type { VmInstallRequest } from './api/vm-install.ts';
export { findInstalled, findSnapshot, runVm } from './api/vm-run.ts';
export type { VmRunContext, VmRunRequest } from './api/vm-run.ts';
export { snapshotVm } from './api/vm-snapshot.ts';
export type { VmSnapshotRequest } from './api/vm-snapshot.ts';
export { collectStages, listStages, removeStages } from './api/vm-stages.ts';
export type { Collected, CollectRequest, RemovalContext, StageListing } from './api/vm-stages.ts';
export { CygstrapError } from './errors.ts';
export type { ErrorCode, ErrorOptions } from './errors.ts';
export type { Event, Report } from './events.ts';
export { InputError } from './input/input-error.ts';
export { openIndex } from './input/open-index.ts';
export type { IndexFacts, IndexInput, InputLimits, OpenIndexOptions } from './input/open-index.ts';
export type { Lock, LockedFile, LockedIndex, LockedPackage, LockRequest } from './core/lock/lock.ts';
export { parseLock } from './core/lock/parse.ts';
export { printLock } from './core/lock/print.ts';
export type { WrittenImage } from './media/written.ts';
export type {
  FileStamp,
  FrozenMachine,
  InstalledManifest,
  MachineWishes,
  Manifest,
  SnapshotManifest,
} from './stages/manifest.ts';
export type { RunResult } from './stages/run.ts';
export { TOPOLOGIES } from './stages/topology.ts';
export type { TopologyName } from './stages/topology.ts';
export { dotText } from './report/dot.ts';
export { planJson, refusalJson } from './report/json.ts';
export type { IndexSummary } from './report/json.ts';
export { nixText } from './report/nix.ts';
export { tableText } from './report/table.ts';
export { treeText } from './report/tree.ts';
export { urlsText } from './report/urls.ts';
export { conflictText } from './report/conflict.ts';
export { parseInstalledDb } from './core/resolve/installed.ts';
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
} from './core/resolve/plan.ts';
export { DEFAULT_WINDOWS, EMPTY_REQUEST } from './core/resolve/request.ts';
export { resolve } from './core/resolve/resolve.ts';
export { serveRepo } from './serve/serve.ts';
export { ParseError } from './core/setup-ini/diagnostics.ts';
export type { Diagnostic, DiagnosticCode } from './core/setup-ini/diagnostics.ts';
export { DEFAULT_LIMITS } from './core/setup-ini/limits.ts';
export type { Limits } from './core/setup-ini/limits.ts';
export { lintRecords } from './core/setup-ini/lint.ts';
export { RowParser, SetupIniParser, parseRecords, parseText } from './core/setup-ini/parse.ts';
export type { ParsedIndex, ParserOptions } from './core/setup-ini/parse.ts';
export { printIndex, printPackage } from './core/setup-ini/print.ts';
export type {
  Archive,
  Dependency,
  IndexHeader,
  Operator,
  PackageBlock,
  PackageRecord,
  SourceArchive,
  Stability,
  VersionRecord,
} from './core/setup-ini/records.ts';
export type { PackageRows, VersionRows } from './core/setup-ini/version-table.ts';
export { compareVersions } from './core/version/compare.ts';
export { criteriaMeet } from './core/version/criteria.ts';
export type { Host } from './vm/host.ts';
export type { Mend, Need } from './vm/probe/needs.ts';
