export { Catalog, CatalogBuilder } from './catalog/catalog.ts';
export type { CatalogPackage, CatalogVersion, IndexContent, SourceVersion } from './catalog/catalog.ts';
export { loadCatalog } from './commands/load-catalog.ts';
export type { LoadedCatalog, LoadOptions } from './commands/load-catalog.ts';
export { CygstrapError } from './errors.ts';
export type { ErrorCode, ErrorOptions } from './errors.ts';
export type { Event, Report } from './events.ts';
export { InputError } from './input/input-error.ts';
export { openIndex } from './input/open-index.ts';
export type { IndexFacts, IndexInput, InputLimits, OpenIndexOptions } from './input/open-index.ts';
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
export { ParseError } from './setup-ini/diagnostics.ts';
export type { Diagnostic, DiagnosticCode } from './setup-ini/diagnostics.ts';
export { DEFAULT_LIMITS } from './setup-ini/limits.ts';
export type { Limits } from './setup-ini/limits.ts';
export { lintRecords } from './setup-ini/lint.ts';
export { SetupIniParser, parseRecords, parseText } from './setup-ini/parse.ts';
export type { ParsedIndex, ParserOptions } from './setup-ini/parse.ts';
export { printIndex, printPackage } from './setup-ini/print.ts';
export type { Archive, Dependency, IndexHeader, Operator, PackageRecord, SourceArchive, Stability, VersionRecord } from './setup-ini/records.ts';
export { compareVersions } from './version/compare.ts';
export { criteriaMeet } from './version/criteria.ts';
