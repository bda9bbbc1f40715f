import type { WindowsKind } from '../../core/windows/kinds.ts';
import { isLegacyKind } from './options.ts';

/** The address at which the host reaches the guest. */
const ADDRESS = '192.168.0.1';
const MASK = '255.255.255.0';

/** The address of the network card, as `route print` shows it. */
const MAC = '52 54 00 12 01 01';

const NETWORKS = 'HKLM\\SYSTEM\\CurrentControlSet\\Control\\Network\\{4D36E972-E325-11CE-BFC1-08002BE10318}';
const INTERFACES = 'HKLM\\SYSTEM\\CurrentControlSet\\Services\\Tcpip\\Parameters\\Interfaces';

/** Returns the step `network`: gives the network card its fixed address. The card is not connected during an
 *  installation, so that `ipconfig` does not show it; the registry does. Names of connections are translated, so the
 *  card is found by what is not: its MAC address in the list of `route print`, and the id of its device. Windows XP has
 *  no numbers of interfaces: there it is the name of the connection, from the registry.
 *
 *  If `netsh` fails, the address is written to the registry, from which Windows takes it when it starts next. */
export function networkStep(kind: WindowsKind): string[] {
  const row = 'for /f "tokens=1-7 delims=. " %%a in (\'route print\') do';
  return [
    ':network',
    'set "card="',
    `for /f "tokens=*" %%k in ('reg query "${NETWORKS}"') do (set "key=%%k"& call :card)`,
    'if not defined card set "reason=Windows has no driver for the network card"& exit /b 0',
    'set "interface=%card:~-38%"',
    ...(isLegacyKind(kind)
      ? [
          'call :read "%card%\\Connection" Name',
          `call :run netsh interface ip set address name="%value%" static ${ADDRESS} ${MASK}`,
        ]
      : [
          'set "index="',
          // The beginning of a line: ` 12...52 54 00 12 01 01 ......Intel(R) 82574L`.
          `${row} if "%%b %%c %%d %%e %%f %%g"=="${MAC}" set "index=%%a"`,
          'if not defined index echo route print does not list the network card',
          `if defined index call :run netsh interface ipv4 set address name=%index% static ${ADDRESS} ${MASK}`,
        ]),
    'call :address',
    `if "%value%"=="${ADDRESS}" set "code=0"& exit /b 0`,
    'echo netsh did not set the address',
    `set "key=${INTERFACES}\\%interface%"`,
    'reg add "%key%" /v EnableDHCP /t REG_DWORD /d 0 /f >nul',
    `reg add "%key%" /v IPAddress /t REG_MULTI_SZ /d ${ADDRESS} /f >nul`,
    `reg add "%key%" /v SubnetMask /t REG_MULTI_SZ /d ${MASK} /f >nul`,
    'call :address',
    `if "%value%"=="${ADDRESS}" set "code=0"& exit /b 0`,
    `set "reason=the network card does not have the address ${ADDRESS}"`,
    'exit /b 0',

    // The one card that is a PCI device; others are of software.
    ':card',
    'call :read "%key%\\Connection" PnpInstanceID',
    'if /i "%value:~0,4%"=="PCI\\" set "card=%key%"',
    'exit /b 0',

    // Sets `value` to the first address of the card. Windows XP shows the end of each text in a list as `\\0`.
    ':address',
    `call :read "${INTERFACES}\\%interface%" IPAddress`,
    `for /f "delims=\\ " %%v in ("%value%") do set "value=%%v"`,
    'exit /b 0',
  ];
}

const RULE = 'dir=in action=allow protocol=TCP localport=22 profile=any';

/** Returns the step `firewall`: connections to port 22 are accepted. Windows XP without service packs has no commands
 *  for its firewall, which is off there. */
export function firewallStep(kind: WindowsKind): string[] {
  if (isLegacyKind(kind))
    return [':firewall', 'call :run netsh firewall add portopening TCP 22 cygstrap', 'set "code=0"', 'exit /b 0'];
  return [
    ':firewall',
    // With `profile=any` the kind of the network does not matter: without a gateway it is a public one.
    `call :run netsh advfirewall firewall add rule name=cygstrap ${RULE}`,
    'set "code=%result%"',
    'exit /b 0',
  ];
}
