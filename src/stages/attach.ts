import type { StageContext } from './context.ts';
import { attachDirectly } from './attach-directly.ts';
import type { NetworkAttachment, AttachmentOptions } from './topology.ts';
import { attachController } from './attach-controller.ts';

/** Makes what a guest is plugged into, as the topology wants it. Throws VmError and GuestError. */
export async function attachNetwork(context: StageContext, options: AttachmentOptions): Promise<NetworkAttachment> {
  const { topology } = context;
  return topology === 'direct' ? attachDirectly(context, options) : attachController(context, topology, options);
}
