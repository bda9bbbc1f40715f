import { bootMachine } from '../stages/boot.ts';
import type { BootHooks, BootRequest, BootShare } from '../stages/boot.ts';
import type { MachineExit } from '../vm/machine.ts';
import { contextOf } from './vm-context.ts';
import type { VmContext } from './vm-context.ts';

export type VmBootRequest = BootRequest;
export type VmBootHooks = BootHooks;
export type VmBootShare = BootShare;

/** Boots an installed disk and waits until the guest powers off. The installed disk is not changed. Throws VmError,
 *  `usage` for an overlay that the guest kind does not support, and the reason of the signal. */
export async function bootVm(request: VmBootRequest, context: VmContext, hooks: VmBootHooks): Promise<MachineExit> {
  return bootMachine(contextOf(context, request.installed), request, hooks);
}
