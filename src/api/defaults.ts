import { LAYOUTS } from '../core/config/config.ts';
import { ARCHITECTURES, DEFAULT_ARCH, LOCK_FILE_NAME } from '../core/lock/lock.ts';
import { DEFAULT_SOLVER_LIMIT, DEFAULT_WINDOWS, EMPTY_REQUEST } from '../core/resolve/request.ts';
import { PRODUCT_KEY_VARIABLE } from '../io/secret-variables.ts';
import { CLOCK_CHOICES } from '../stages/run.ts';
import { TOPOLOGIES } from '../stages/topology.ts';
import { FIRMWARE_KINDS } from '../vm/base/spec.ts';

/** Defaults of the operations, for callers that document or replace them. */
export const DEFAULTS = {
  request: EMPTY_REQUEST,
  windows: DEFAULT_WINDOWS,
  /** Conflicts between packages after which the solver gives up. */
  solverLimit: DEFAULT_SOLVER_LIMIT,
  arch: DEFAULT_ARCH,
  /** File name of a lock. */
  lock: LOCK_FILE_NAME,
  layout: LAYOUTS[0],
  /** Transfers at a time. */
  jobs: 16,
  /** Mirror that Cygwin's list of mirrors suggests; used if nothing else names one. */
  site: 'https://mirrors.cicku.me/cygwin/',
  /** Site of Cygwin's setup program. */
  installerSite: 'https://cygwin.com/',
  /** Site with lists of the files of packages. */
  listingSite: 'https://cygwin.com/',
  mirrorList: 'https://cygwin.com/mirrors.lst',
  /** File of a mirror that a benchmark fetches. */
  benchmarkPath: 'x86_64/setup.xz',
  guest: 'stand-in',
  topology: TOPOLOGIES[0],
  clock: CLOCK_CHOICES[0],
  /** Variable of the environment with the product key of Windows. */
  productKeyVariable: PRODUCT_KEY_VARIABLE,
} as const;

/** All values of the options that have a fixed set of them. */
export const CHOICES = {
  architectures: ARCHITECTURES,
  layouts: LAYOUTS,
  topologies: TOPOLOGIES,
  firmware: FIRMWARE_KINDS,
  clock: CLOCK_CHOICES,
} as const;
