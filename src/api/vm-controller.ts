import { controllerImage } from '../guest/controller/image.ts';
import type { OperationContext } from './context.ts';
import { imageDirectoryOf } from './vm-context.ts';

/** Kernel and initramfs of the controller, in the user's cache. */
export interface ControllerBuildResult {
  readonly kernel: { readonly version: string; readonly path: string };
  readonly initramfs: { readonly path: string; readonly sizeBytes: number; readonly sha256: string };
}

/** Makes kernel and initramfs of the controller from programs of this host, unless they exist. Throws GuestError
 *  `tool` if the host lacks a program, `io`, and the reason of the signal. */
export async function buildController(context: OperationContext = {}): Promise<ControllerBuildResult> {
  const { report = () => {}, signal } = context;
  const { kernel, initramfs } = await controllerImage({ cacheDir: imageDirectoryOf(context), report, signal });
  return {
    kernel: { version: kernel.version, path: kernel.image },
    initramfs: { path: initramfs.path, sizeBytes: initramfs.sizeBytes, sha256: initramfs.key },
  };
}
