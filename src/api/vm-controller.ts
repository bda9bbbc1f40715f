import type { Report } from '../events.ts';
import { controllerImage } from '../guest/controller/image.ts';
import { userCacheDirectory } from '../io/user-dirs.ts';

export interface ControllerBuildContext {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly report?: Report;
  readonly signal?: AbortSignal | undefined;
}

/** Kernel and initramfs of the controller, in the user's cache. */
export interface ControllerBuildResult {
  readonly kernel: { readonly version: string; readonly path: string };
  readonly initramfs: { readonly path: string; readonly sizeBytes: number; readonly sha256: string };
}

/** Makes kernel and initramfs of the controller from programs of this host, unless they exist. Throws GuestError
 *  `tool` if the host lacks a program, `io`, and the reason of the signal. */
export async function buildController({
  environment,
  report = () => {},
  signal,
}: ControllerBuildContext): Promise<ControllerBuildResult> {
  const { kernel, initramfs } = await controllerImage({ cacheDir: userCacheDirectory(environment), report, signal });
  return {
    kernel: { version: kernel.version, path: kernel.image },
    initramfs: { path: initramfs.path, sizeBytes: initramfs.sizeBytes, sha256: initramfs.key },
  };
}
