import type { StageContext } from './context.ts';
import { wireDirectly } from './direct.ts';
import type { Wiring, WiringOptions } from './topology.ts';
import { wireWithController } from './with-controller.ts';

/** Makes what a guest is plugged into, as the topology wants it. Throws VmError and GuestError. */
export async function wire(context: StageContext, options: WiringOptions): Promise<Wiring> {
  const { topology } = context;
  return topology === 'direct' ? wireDirectly(context, options) : wireWithController(context, topology, options);
}
