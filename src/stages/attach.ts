import type { StageContext } from './context.ts';
import { attachDirectly } from './attach-directly.ts';
import type { NetworkAttachment, AttachmentOptions } from './topology.ts';
import { attachController } from './attach-controller.ts';

/** Creates the network attachment of the topology. Throws VmError and GuestError. */
export async function attachNetwork(context: StageContext, options: AttachmentOptions): Promise<NetworkAttachment> {
  const { topology } = context;
  return topology === 'direct' ? attachDirectly(context, options) : attachController(context, topology, options);
}
