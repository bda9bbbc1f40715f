import type { SetupLogs } from '../setup-logs.ts';
import { diagnose } from './diagnose.ts';
import { SCRIPT_LOG } from './options.ts';

/** Logs of Cygwin's setup and services; Cygwin is in one of these directories. */
const CYGWIN_LOGS = ['cygwin64', 'cygwin'].flatMap((root) =>
  ['var/log/setup.log.full', 'var/log/setup.log', 'etc/setup/installed.db', 'var/log/sshd.log'].map(
    (path) => `${root}/${path}`,
  ),
);

/** Logs of the Setup of Windows 7 and later. What Windows PE wrote before it copied the system is only in its RAM.
 *  Event logs and crash dumps are omitted: they are binary, so private data in them cannot be found and removed. */
export const SETUP_LOGS: SetupLogs = {
  paths: [
    SCRIPT_LOG,
    'Windows/Panther/UnattendGC/setuperr.log',
    'Windows/Panther/setuperr.log',
    '$WINDOWS.~BT/Sources/Panther/setuperr.log',
    'Windows/Panther/UnattendGC/setupact.log',
    'Windows/Panther/setupact.log',
    '$WINDOWS.~BT/Sources/Panther/setupact.log',
    'Windows/Panther/unattend.xml',
    'Windows/Setup/Scripts/SetupComplete.cmd',
    'Windows/inf/setupapi.setup.log',
    'Windows/inf/setupapi.offline.log',
    'Windows/inf/setupapi.dev.log',
    ...CYGWIN_LOGS,
  ],
  diagnose,
};

/** Logs of the Setup of Windows XP and 2003. */
export const LEGACY_SETUP_LOGS: SetupLogs = {
  paths: [
    SCRIPT_LOG,
    'Windows/setuperr.log',
    'Windows/setupact.log',
    'Windows/setupapi.log',
    'Windows/setuplog.txt',
    '$WIN_NT$.~BT/winnt.sif',
    ...CYGWIN_LOGS,
  ],
  diagnose,
};
