import type { Report } from '../events.ts';
import { controllerImage } from '../guest/controller/image.ts';
import { userCacheDirectory } from '../io/user-dirs.ts';

export interface ControllerBuildContext {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly report?: Report;
  readonly signal?: AbortSignal | undefined;
}

/** What a controller boots, in the user's cache. */
export interface ControllerBuildResult {
  readonly kernel: { readonly version: string; readonly path: string };
  readonly initramfs: { readonly path: string; readonly sizeBytes: number; readonly sha256: string };
}

/** Makes the controller's kernel and file system from programs of this host, or finds them made. Throws GuestError `tool` for what the
 *  host lacks, `io`, and the reason of the signal. */
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
