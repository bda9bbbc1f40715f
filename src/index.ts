// Indexes and plans.
export { resolveRequest } from './api/answer.ts';
export type { Answer, ResolveContext } from './api/answer.ts';
export { resolveBatch } from './api/batch.ts';
export type { BatchAnswer } from './api/batch.ts';
export { CHOICES, DEFAULTS } from './api/defaults.ts';
export type { Environment, OperationContext, ReadingContext, SiteContext } from './api/context.ts';
export { compareIndexes, comparePlans } from './api/diff.ts';
export type { PlanComparison } from './api/diff.ts';
export type { FileMatch, FileSearchResult, FilesResult, ListedFile, UnsearchedPackage } from './api/file-results.ts';
export { findFiles, listFiles } from './api/files.ts';
export type { FileSearchRequest, FilesRequest } from './api/files.ts';
export { findSiteFiles, listSiteFiles } from './api/site-files.ts';
export type { SiteFilesRequest, SiteSearchRequest } from './api/site-files.ts';
export { packageInfo } from './api/info.ts';
export type { PackageInfo, VersionInfo } from './api/info.ts';
export { lintIndex } from './api/lint.ts';
export type { LintOptions, LintResult } from './api/lint.ts';
export { loadCatalog } from './api/load-catalog.ts';
export type { IndexSource, LoadedCatalog, LoadOptions, TakeRecords } from './api/load-catalog.ts';
export { loadProject } from './api/project.ts';
export type { GivenConfig, Project } from './api/project.ts';
export { makeReport } from './api/report.ts';
export type { ReportContext, ReportFormat, ReportResult, ReportSubject } from './api/report.ts';
export { saveReport } from './api/report-page.ts';
export { literalPattern, regularExpression, searchPackages } from './api/search.ts';
export type { SearchMatch, SearchQuery, TextPattern } from './api/search.ts';
export { explainPackage } from './api/why.ts';
export type { Explanation } from './api/why.ts';

// Locks and repos.
export { makeBundle } from './api/bundle.ts';
export type { BundleRequest, BundleSummary } from './api/bundle.ts';
export { applyBundle } from './api/bundle-apply.ts';
export type { ApplyRequest, ApplySummary } from './api/bundle-apply.ts';
export { fetchRepo } from './api/fetch.ts';
export type { FetchResult, FetchSummary } from './api/fetch.ts';
export type { PublishedSummary } from './api/fetch-publish.ts';
export type { FetchRequest } from './api/fetch-request.ts';
export { installRepo } from './api/install.ts';
export type { InstallRequest, InstallResult, SetupRun } from './api/install.ts';
export type { RequestFields } from './api/request-fields.ts';
export type { SiteFields } from './api/site-groups.ts';
export { checkLock } from './api/lock-check.ts';
export type { LockCheckRequest, LockCheckResult } from './api/lock-check.ts';
export { readLock, writeLock } from './api/lock-file.ts';
export { saveLock } from './api/lock-save.ts';
export type { LockSaveResult } from './api/lock-save.ts';
export { adjustLock, makeLock, updateLock } from './api/lock.ts';
export type { LockOptions, LockResult, LockSource, Update } from './api/lock.ts';
export { outdatedPackages } from './api/outdated.ts';
export type { OutdatedPackage } from './api/outdated.ts';
export { changeProject } from './api/project-change.ts';
export type { ProjectChange, ProjectChangeResult, StillNeeded } from './api/project-change.ts';
export type { PackageChanges } from './api/project-edit.ts';
export { initProject } from './api/project-init.ts';
export type { InitRequest, InitResult } from './api/project-init.ts';
export { pruneRepo } from './api/prune.ts';
export type { PruneRequest, PruneResult } from './api/prune.ts';
export { repairRepo } from './api/repair.ts';
export type { RepairRequest } from './api/repair.ts';
export { listSettings } from './api/settings.ts';
export type { Setting, SettingsRequest } from './api/settings.ts';
export { serveRepo } from './api/serve.ts';
export type { ServedAddress, ServedRepo, ServeRequest } from './api/serve.ts';
export { loadFromSites } from './api/load-from-sites.ts';
export type { IndexRequest, SignedCatalog } from './api/load-from-sites.ts';
export { listSites } from './api/sites.ts';
export type { ListedSite, SitesContext, SitesQuery, SitesResult } from './api/sites.ts';
export { filesToRepair, verifyRepo } from './api/verify.ts';
export type { VerifyContext, VerifyRequest, VerifyResult } from './api/verify.ts';
export { packageVersion } from './api/version.ts';

// Media and machines.
export { examineHost, fixHost } from './api/doctor.ts';
export type { DoctorResult, FixContext } from './api/doctor.ts';
export { inspectMedia } from './api/media-inspect.ts';
export type { MediaInspectRequest, MediaInspectResult } from './api/media-inspect.ts';
export { makeMedia } from './api/media.ts';
export type { Answers, MediaRequest, MediaResult } from './api/media.ts';
export { bootVm } from './api/vm-boot.ts';
export type { VmBootHooks, VmBootRequest, VmBootShare } from './api/vm-boot.ts';
export { prepareVm } from './api/vm-context.ts';
export type { VmContext, VmDirectory, VmOptions } from './api/vm-context.ts';
export { buildController } from './api/vm-controller.ts';
export type { ControllerBuildResult } from './api/vm-controller.ts';
export { installVm, planInstall } from './api/vm-install.ts';
export type { VmInstallPlanRequest, VmInstallRequest } from './api/vm-install.ts';
export { prepareWindows } from './api/windows-setup.ts';
export type { WindowsRequest } from './api/windows-setup.ts';
export { packEvidence } from './api/vm-evidence.ts';
export type { EvidenceRequest, EvidenceResult } from './api/vm-evidence.ts';
export { findInstalled, findSnapshot } from './api/vm-find.ts';
export { runMany, runVm } from './api/vm-run.ts';
export type { ManyOptions, OnOutput, RunOutcome, VmRunContext, VmRunRequest } from './api/vm-run.ts';
export { openShell } from './api/vm-shell.ts';
export type { VmShellRequest } from './api/vm-shell.ts';
export { snapshotVm } from './api/vm-snapshot.ts';
export type { VmSnapshotRequest } from './api/vm-snapshot.ts';
export { collectStages, listStages, removeStages } from './api/vm-stages.ts';
export type { Collected, CollectRequest, StageListing } from './api/vm-stages.ts';
export { makeVmReport } from './api/vm-report.ts';
export type { VmReport, VmReportRequest } from './api/vm-report.ts';
export { viewVm } from './api/vm-view.ts';
export type { VmView, VmViewRequest } from './api/vm-view.ts';

// Errors and events.
export { CygstrapError } from './errors.ts';
export type { ErrorCode, CygstrapErrorOptions } from './errors.ts';
export type { Event, Report } from './events.ts';
export { ParseError } from './core/setup-ini/diagnostics.ts';
export type { Diagnostic, DiagnosticCode } from './core/setup-ini/diagnostics.ts';
export { GuestError } from './guest/guest-error.ts';
export { InputError } from './input/input-error.ts';
export { MediaError } from './media/base/media-error.ts';
export type { MediaErrorOptions, MediaFault } from './media/base/media-error.ts';
export { VerifyError } from './repo/files/verify-error.ts';
export type { VerifyDetails } from './repo/files/verify-error.ts';
export { FetchError } from './site/base/fetch-error.ts';
export type { FetchErrorKind, FetchErrorOptions, SiteFailure } from './site/base/fetch-error.ts';
export { VmError } from './vm/base/vm-error.ts';
export type { VmDetails } from './vm/base/vm-error.ts';

// Parts of the operations, for programs that combine them differently.
export { Catalog } from './core/catalog/catalog.ts';
export type { IndexContent, SourceVersion } from './core/catalog/catalog.ts';
export type { CatalogPackage } from './core/catalog/package.ts';
export type { CatalogVersion } from './core/catalog/versions.ts';
export type { Config, Layout, SiteEntry, TrustedSite } from './core/config/config.ts';
export type { LockDifference } from './core/lock/diff.ts';
export type { DatedIndex, NewestIndex } from './core/lock/newest.ts';
export { newestIndexes } from './core/lock/newest.ts';
export type { Lock, LockedFile, LockedIndex, LockedPackage, LockedSource, LockRequest } from './core/lock/lock.ts';
export { parseLock } from './core/lock/parse.ts';
export { printLock } from './core/lock/print.ts';
export type { SetupCommand } from './core/lock/setup-command.ts';
export type { PlanDifference } from './core/resolve/diff.ts';
export type { Difference, NamedVersion, VersionChange } from './core/version/differences.ts';
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
  Programs,
  ResolveOptions,
  ResolveRequest,
  ResolveResult,
} from './core/resolve/plan.ts';
export { DEFAULT_WINDOWS, EMPTY_REQUEST } from './core/resolve/request.ts';
export { resolve } from './core/resolve/resolve.ts';
export type { WhyChain, WhyStep } from './core/resolve/why.ts';
export { DEFAULT_LIMITS } from './core/setup-ini/limits.ts';
export type { Limits } from './core/setup-ini/limits.ts';
export { lintRecords } from './core/setup-ini/lint.ts';
export { SetupIniParser, parseRecords, parseText } from './core/setup-ini/parser/parse.ts';
export type { ParsedIndex, Parser, ParserOptions } from './core/setup-ini/parser/parse.ts';
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
export { compareVersions } from './core/version/compare.ts';
export type { Criterion } from './core/version/criteria.ts';
export { criteriaMeet } from './core/version/criteria.ts';
export type { WrittenImage } from './media/written.ts';
export type { Finding } from './repo/audit.ts';
export type { Digest, RepoFile, RepoPath } from './repo/files/file.ts';
export type { RepoLayout } from './repo/files/layout.ts';
export type { PrunedFile } from './repo/prune.ts';
export type { RepoServer } from './serve/serve.ts';
export { openSite } from './api/open-site.ts';
export type { Measurement } from './site/measure.ts';
export type { MirrorEntry, MirrorListFault } from './site/mirror-list.ts';
export type { SiteOptions } from './site/open-site.ts';
export type { Timeouts } from './site/http/timeouts.ts';
export type { Download, OpenOptions, Site } from './site/base/site.ts';
export type {
  FileStamp,
  FrozenMachine,
  InstalledManifest,
  MachineOptions,
  Manifest,
  SnapshotManifest,
} from './stages/manifest.ts';
export type { ClockChoice, GuestSettings, RunResult } from './stages/run.ts';
export type { InstallPlan } from './stages/install-plan.ts';
export type { InstallReport, ReportedFinding } from './stages/install-report.ts';
export type { Explanation as FindingExplanation } from './guest/cygwin/explain.ts';
export type { Finding as InstallationFinding } from './guest/finding.ts';
export type { StageName, TimedActivity } from './stages/layout.ts';
export type { RunningMachine } from './stages/running-machines.ts';
export type { StageUse } from './stages/stage-store.ts';
export type { TopologyName } from './stages/topology.ts';
export type { Phase, TimedEnd, Times } from './stages/times.ts';
export type { WatchLimits } from './stages/watch.ts';
export type { SetupCall } from './guest/kind.ts';
export type { WindowsSetup } from './guest/windows/setup.ts';
export type { WindowsKind } from './core/windows/kinds.ts';
export { ProgramError } from './io/program.ts';
export type { ProgramDetails } from './io/program.ts';
export type { Boot as MediumBoot } from './media/inspect/iso9660.ts';
export type { Edition as WindowsEdition, UncheckedFile, WindowsMedium } from './media/inspect/windows.ts';
export type { Activity } from './stages/running-machines.ts';
export type {
  AcceleratorResult,
  CpuVendor,
  DiskSpace,
  Distribution,
  DistributionFamily,
  FlashFile,
  Host,
  Qemu,
  QemuIdentity,
  ToolName,
  UefiFirmware,
} from './vm/base/host.ts';
export type { FirmwareKind } from './vm/base/spec.ts';
export type { MachineExit } from './vm/machine.ts';
export type { InstallCommand, Need } from './vm/probe/needs.ts';

// Renderings.
export { conflictText } from './report/conflict.ts';
export { dotText } from './report/dot.ts';
export { planJson, refusalJson } from './report/json.ts';
export type { IndexSummary } from './core/catalog/index-summary.ts';
export { nixText } from './report/nix.ts';
export { tableText } from './report/table.ts';
export type { TextLimit } from './report/lines.ts';
export { treeText } from './report/tree.ts';
export { urlsText } from './report/urls.ts';
