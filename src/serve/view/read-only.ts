/** A message of a VNC client: whether it passes, and its size in bytes once its head is known. */
interface ClientMessage {
  readonly passes: boolean;
  readonly headBytes: number;
  readonly sizeBytes: (head: Buffer) => number;
}

const fixed = (passes: boolean, bytes: number): ClientMessage => ({ passes, headBytes: 1, sizeBytes: () => bytes });

/** The messages of a client by their first byte. Those that pass choose what the client receives; those of the guest's
 *  keyboard, mouse and clipboard, and those that change the machine, do not.
 *  Source: RFC 6143, 7.5; https://github.com/rfbproto/rfbproto, "Client to Server Messages". */
const MESSAGES: Readonly<Record<number, ClientMessage>> = {
  // SetPixelFormat, SetEncodings, FramebufferUpdateRequest.
  0: fixed(true, 20),
  2: { passes: true, headBytes: 4, sizeBytes: (head) => 4 + 4 * head.readUInt16BE(2) },
  3: fixed(true, 10),
  // KeyEvent, PointerEvent, ClientCutText; a negative size announces the extended clipboard.
  4: fixed(false, 8),
  5: fixed(false, 6),
  6: { passes: false, headBytes: 8, sizeBytes: (head) => 8 + Math.abs(head.readInt32BE(4)) },
  // Power commands (xvp), SetDesktopSize.
  250: fixed(false, 4),
  251: { passes: false, headBytes: 8, sizeBytes: (head) => 8 + 16 * head.readUInt8(6) },
  // QEMU's extended key event. Other messages of this type are refused.
  255: { passes: false, headBytes: 2, sizeBytes: (head) => (head.readUInt8(1) === 0 ? 12 : Number.NaN) },
};

/** The version that QEMU has and noVNC selects. */
const VERSION = Buffer.from('RFB 003.008\n');
/** Security type `None`. */
const NO_SECURITY = 1;

/** Filters what a VNC client sends so that it can only watch. */
export class ReadOnlyFilter {
  #waiting: Buffer = Buffer.alloc(0);
  #phase: 'version' | 'security' | 'init' | 'messages' = 'version';
  /** Remaining bytes of a message that is dropped. */
  #dropBytes = 0;

  /** Returns the bytes of a chunk that pass, with earlier ones that waited for it. Throws for a message that it does
   *  not know: its size is unknown, so what follows cannot be read. */
  push(chunk: Uint8Array): Uint8Array {
    const passed: Buffer[] = [];
    let rest = Buffer.concat([this.#waiting, chunk]);
    for (;;) {
      const dropped = Math.min(this.#dropBytes, rest.length);
      this.#dropBytes -= dropped;
      rest = rest.subarray(dropped);
      const next = this.#next(rest);
      if (next === undefined) break;
      if (next.passes) {
        passed.push(rest.subarray(0, next.bytes));
        rest = rest.subarray(next.bytes);
      } else this.#dropBytes = next.bytes;
    }
    this.#waiting = Buffer.from(rest);
    return Buffer.concat(passed);
  }

  /** Returns the size of the next message, or undefined if more bytes are needed. */
  #next(rest: Buffer): { readonly passes: boolean; readonly bytes: number } | undefined {
    const [type] = rest;
    if (type === undefined) return undefined;
    switch (this.#phase) {
      case 'version':
        if (rest.length < VERSION.length) return undefined;
        if (!rest.subarray(0, VERSION.length).equals(VERSION)) throw refused('version');
        this.#phase = 'security';
        return { passes: true, bytes: VERSION.length };
      case 'security':
        if (type !== NO_SECURITY) throw refused('security type');
        this.#phase = 'init';
        return { passes: true, bytes: 1 };
      case 'init':
        this.#phase = 'messages';
        return { passes: true, bytes: 1 };
      case 'messages': {
        const message = MESSAGES[type];
        if (message === undefined) throw refused(`message ${type}`);
        if (rest.length < message.headBytes) return undefined;
        const bytes = message.sizeBytes(rest);
        if (Number.isNaN(bytes)) throw refused(`message ${type}`);
        // A dropped message can be larger than the memory.
        return message.passes && rest.length < bytes ? undefined : { passes: message.passes, bytes };
      }
      default:
        return this.#phase satisfies never;
    }
  }
}

function refused(what: string): Error {
  return new Error(`the VNC client sent an unknown ${what}`);
}
