import {
  answerFilePlaces,
  checkOfflineServicing,
  findAnswerFile,
  parseAnswerFile,
  planOobe,
  planSpecialize,
  planWindowsPe,
  SetupStops,
} from '../answers.ts';
import type { AnswerFile, SetupMedium } from '../answers.ts';
import { planWinnt } from '../winnt.ts';
import type { WinntMedium, WinntPlan } from '../winnt.ts';
import { runCommands } from './commands.ts';
import type { Kept } from './commands.ts';
import { TASKS } from './programs.ts';
import type { StartEnd, World } from './world.ts';

/** What Setup keeps on the disk over a restart. */
interface State {
  /** What the next starts do, in order. */
  readonly steps: readonly Step[];
  readonly windowsPartition: number;
  /** The answer file that Setup has found, in base64. */
  readonly answers: string;
  /** What commands have done; absent before the first. */
  readonly kept?: Kept;
}

/** `devices` and `oobe` are starts of their own in some versions only. */
type Step = 'devices' | 'specialize' | 'oobe' | 'logon';

/** Plays one start of the computer. Returns how it ends. */
export function start(world: World): StartEnd {
  try {
    if (world.from === 'cd')
      return isWinnt(world.medium) ? textMode(world, world.medium) : windowsPe(world, world.medium);
    return fromDisk(world);
  } catch (error) {
    if (!(error instanceof SetupStops)) throw error;
    show(world, error);
    return 'wait';
  }
}

function isWinnt(medium: World['medium']): medium is WinntMedium {
  return medium.kind === 'windows-xp' || medium.kind === 'windows-2003';
}

function show({ screen }: World, { shows, message }: SetupStops): void {
  screen('');
  screen(shows === 'error' ? 'Windows Setup - Error' : 'Windows Setup');
  screen(`  ${message}`);
  screen(shows === 'error' ? '  [ OK ]' : '  [ Next ]');
}

function windowsPe(world: World, medium: SetupMedium): StartEnd {
  world.screen('Windows Setup');
  if (world.variant === 'reset-before-setup') return 'restart';
  world.screen('Setup is starting');
  if (world.variant === 'hang-windowspe') return 'wait';
  if (world.variant === 'question') throw new SetupStops('question', 'Language to install');
  const found = findAnswerFile(answerFilePlaces(world.drives, medium, world.computer), ({ drive, file }) =>
    world.read(drive, file),
  );
  if (found === undefined) throw new SetupStops('question', 'Language to install');
  world.screen(`Answers: ${found.place.drive.letter}:\\${found.place.file}`);
  const plan = planWindowsPe(found.file, medium, world.computer);
  const quiet = world.variant === 'no-com1-in-winpe' ? { ...world, com1: () => undefined } : world;
  const { registryValue } = runCommands(plan.commands, quiet);
  checkRequirements(world, medium, (name) => registryValue('HKLM\\SYSTEM\\Setup\\LabConfig', name) === '0x1');
  checkOfflineServicing(found.file, medium);
  world.screen(`Installing ${plan.image.name} to partition ${plan.disk.windowsPartition}`);
  world.prepareDisk(plan.disk);
  world.writeFiles(plan.disk.windowsPartition, imageOf(plan.image.name));
  const steps: Step[] =
    world.variant === 'restarts-4' ? ['devices', 'specialize', 'oobe', 'logon'] : ['specialize', 'logon'];
  keep(world, { steps, windowsPartition: plan.disk.windowsPartition, answers: toBase64(found.bytes) });
  return restart(world);
}

/** Windows 11 does not install without a TPM, Secure Boot and 4 GB, unless the answers turn the check off. */
function checkRequirements({ computer }: World, { kind }: SetupMedium, isOff: (name: string) => boolean): void {
  if (kind !== 'windows-11') return;
  const missing = [
    ...(computer.hasTpm ? [] : ['BypassTPMCheck']),
    // No machine of ours has keys for Secure Boot.
    'BypassSecureBootCheck',
    ...(computer.memoryMB >= 3900 ? [] : ['BypassRAMCheck']),
  ].filter((name) => !isOff(name));
  if (missing.length > 0) throw new SetupStops('error', "This PC can't run Windows 11");
}

/** Files that stand for those of an image, enough to be seen as writes to the disk. */
function imageOf(name: string): ReadonlyMap<string, Uint8Array> {
  const megabyte = Buffer.alloc(1 << 20, `${name}\r\n`);
  const libraries = Array.from({ length: 16 }, (_, i) => [`Windows/System32/part${i}.dll`, megabyte] as const);
  return new Map([
    ...libraries,
    ['$WINDOWS.~BT/Sources/Panther/setupact.log', log('Info', 'Apply image', `The image ${name} is applied`)],
  ]);
}

function log(level: 'Info' | 'Error', module: string, text: string): Uint8Array {
  return Buffer.from(`2026-01-01 00:00:00, ${level.padEnd(21)} [${module}] ${text}\r\n`);
}

/** Text mode of Windows XP and 2003; it runs no commands. */
function textMode(world: World, medium: WinntMedium): StartEnd {
  world.screen('Windows Setup');
  if (world.variant === 'hang-windowspe') return 'wait';
  if (world.variant === 'question') throw new SetupStops('question', 'Welcome to Setup');
  const floppy = world.drives.find(({ type }) => type === 'floppy');
  const file = floppy?.files.find((name) => name.toLowerCase() === 'winnt.sif');
  if (floppy === undefined || file === undefined) throw new SetupStops('question', 'Welcome to Setup');
  const bytes = world.read(floppy, file);
  const { disk } = planWinnt(bytes, medium, world.computer.diskMB);
  world.prepareDisk(disk);
  world.writeFiles(disk.windowsPartition, imageOf(medium.kind));
  keep(world, { steps: ['specialize', 'logon'], windowsPartition: disk.windowsPartition, answers: toBase64(bytes) });
  return restart(world);
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}

function keep(world: World, state: State): void {
  world.writeState(JSON.stringify(state));
}

function restart(world: World): StartEnd {
  world.screen('Your computer will restart');
  return 'restart';
}

function fromDisk(world: World): StartEnd {
  if (world.variant === 'reset-loop') return 'restart';
  const state = stateOf(world);
  const [step, ...steps] = state.steps;
  const bytes = Buffer.from(state.answers, 'base64');
  keep(world, { ...state, steps });
  if (step === undefined) return logonAgain(world, { ...state, steps });
  const end = isWinnt(world.medium)
    ? legacyStep(world, step, planWinnt(bytes, world.medium, world.computer.diskMB), { ...state, steps })
    : modernStep(world, step, parseAnswerFile(bytes), world.medium, { ...state, steps });
  return end === 'restart' ? restart(world) : end;
}

function legacyStep(world: World, step: Step, plan: WinntPlan, state: State): StartEnd {
  if (step === 'logon') return logon(world, plan.user, plan.commands, state);
  world.screen('Setup will complete in approximately 39 minutes');
  return world.variant === 'hang-specialize' ? 'wait' : 'restart';
}

function modernStep(
  world: World,
  step: Step,
  file: AnswerFile | undefined,
  medium: SetupMedium,
  state: State,
): StartEnd {
  if (file === undefined) throw new Error('the state has no answer file');
  const write = (name: string, content: Uint8Array): void =>
    world.writeFiles(state.windowsPartition, new Map([[name, content]]));
  switch (step) {
    case 'devices':
      world.screen('Getting devices ready');
      return 'restart';
    case 'specialize':
      return specialize(world, file, medium, { state, write });
    case 'oobe':
      planOobe(file, medium);
      world.screen('Getting ready');
      return 'restart';
    case 'logon': {
      const { user, commands } = planOobe(file, medium);
      write('Windows/Panther/UnattendGC/setupact.log', log('Info', 'oobeldr.exe', `Logging on ${user}`));
      return setupComplete(world, state) ?? logon(world, user, commands, stateOf(world));
    }
  }
}

function specialize(
  world: World,
  file: AnswerFile,
  medium: SetupMedium,
  { state, write }: { readonly state: State; readonly write: (name: string, content: Uint8Array) => void },
): StartEnd {
  world.screen('Getting ready');
  if (world.variant === 'hang-specialize') return 'wait';
  try {
    const { computerName, commands } = planSpecialize(file, medium);
    write('Windows/Panther/setupact.log', log('Info', 'windeploy.exe', `The computer is ${computerName}`));
    return runKept(world, commands, state) ?? 'restart';
  } catch (error) {
    if (!(error instanceof SetupStops)) throw error;
    write('Windows/Panther/setuperr.log', log('Error', 'windeploy.exe', error.message));
    const message = 'The computer restarted unexpectedly or encountered an unexpected error';
    throw new SetupStops('error', message);
  }
}

/** Runs commands, and keeps on the disk what they have done. Returns how they end the computer. */
function runKept(world: World, commands: readonly string[], state: State): 'restart' | 'power-off' | undefined {
  const { end, files, kept } = runCommands(commands, world, state.kept);
  world.writeFiles(state.windowsPartition, files);
  keep(world, { ...state, kept });
  return end;
}

function stateOf(world: World): State {
  const text = world.readState();
  if (text === undefined) throw new Error('the disk has no state of Setup');
  return JSON.parse(text) as State;
}

const SETUP_COMPLETE = 'C:\\Windows\\Setup\\Scripts\\SetupComplete.cmd';

/** Windows runs this file before the first logon. */
function setupComplete(world: World, state: State): 'restart' | 'power-off' | undefined {
  return runKept(world, [`cmd.exe /c "if exist ${SETUP_COMPLETE} call ${SETUP_COMPLETE}"`], state);
}

function logon(world: World, user: string, commands: readonly string[], state: State): StartEnd {
  world.screen(`Welcome ${user}`);
  if (world.variant === 'hang-logon') return 'wait';
  if (world.variant === 'no-logon') return startedTask(world, state);
  if (world.variant === 'power-off-without-verdict') return 'power-off';
  const end = runKept({ ...world, com1: withOtherLines(world) }, commands, state);
  if (end === undefined) world.screen('Desktop');
  return end ?? 'wait';
}

/** Nobody logs on: only the task works that a command has started. */
function startedTask(world: World, state: State): StartEnd {
  const { registryValue } = runCommands([], world, state.kept);
  const task = `${TASKS}\\cygstrap`;
  const command = registryValue(task, 'command');
  if (command === undefined || registryValue(task, 'started') !== 'yes') return 'wait';
  return runKept(world, [command], state) ?? 'wait';
}

/** A logon after the first runs what the registry has. */
function logonAgain(world: World, state: State): StartEnd {
  const { registryValue } = runCommands([], world, state.kept);
  const command = registryValue('HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Run', 'cygstrap');
  const end = command === undefined ? undefined : runKept(world, [command], state);
  if (end === undefined) world.screen('Desktop');
  return end ?? 'wait';
}

/** Lines of COM1 that the variants change. */
function withOtherLines({ com1, variant }: World): World['com1'] {
  const otherKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA';
  if (variant === 'wrong-nonce')
    return (line) => com1(line.replace(/^(@cygstrap installed) .*/, '$1 00000000000000000000000000000000'));
  if (variant === 'other-host-key') return (line) => com1(line.replace(/^(@cygstrap hostkey) .*/, `$1 ${otherKey}`));
  return com1;
}
