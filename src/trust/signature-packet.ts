/** Why a signature file, or a part of it, cannot be used. */
export interface SignatureFault {
  /** `malformed`: not an OpenPGP signature. `truncated`: ends early. `unsupported`: a type that setup rejects too. */
  readonly reason: 'malformed' | 'truncated' | 'unsupported';
  readonly message: string;
}

/** One signature of a file, parsed but not verified. */
export interface SignaturePacket {
  /** OpenPGP's numbers of the public-key algorithm and of the hash. */
  readonly algorithm: number;
  readonly hash: number;
  /** 16 hexadecimal digits, upper case; undefined if the signature has none. */
  readonly issuerKeyId: string | undefined;
  readonly expiresAt: Date | undefined;
  /** Bytes that are hashed after those of the file. */
  readonly trailer: Uint8Array;
  /** The first two bytes of the digest, as recorded by the signer. */
  readonly digestStart: Uint8Array;
  /** The numbers of the signature, in the form of its algorithm. */
  readonly material: Uint8Array;
  /** The whole packet. */
  readonly bytes: Uint8Array;
}

export interface SignatureFile {
  readonly packets: readonly SignaturePacket[];
  readonly faults: readonly SignatureFault[];
}

/** Bound of the packets in a file: each costs one pass over the signed file. Real files have two. */
const MOST_PACKETS = 16;

const SIGNATURE_TAG = 2;
const BINARY_DOCUMENT = 0x00;

/** Thrown and caught in this file only. */
class Unreadable extends Error {
  readonly reason: SignatureFault['reason'];

  constructor(reason: SignatureFault['reason'], message: string) {
    super(message);
    this.reason = reason;
  }
}

/** Parses a binary signature file, a sequence of packets. A part that cannot be parsed becomes a fault; the packets
 *  before it remain. Never throws. Source: RFC 4880 4.2 (framing); cygwin-setup gpg-packet.cc. */
export function readSignatureFile(bytes: Uint8Array): SignatureFile {
  const packets: SignaturePacket[] = [];
  const faults: SignatureFault[] = [];
  const note = (error: unknown): void => {
    if (!(error instanceof Unreadable)) throw error;
    faults.push({ reason: error.reason, message: error.message });
  };
  if (bytes.length === 0) faults.push({ reason: 'truncated', message: 'the signature file is empty' });
  try {
    let at = 0;
    for (let count = 0; at < bytes.length; count++) {
      if (count === MOST_PACKETS)
        throw new Unreadable('malformed', `the signature file contains more than ${MOST_PACKETS} packets`);
      const { tag, bodyStart, end } = readFrame(bytes, at);
      if (tag !== SIGNATURE_TAG)
        throw new Unreadable('malformed', `it contains an OpenPGP packet of type ${tag}, which is not a signature`);
      try {
        packets.push({ ...readBody(bytes.subarray(bodyStart, end)), bytes: bytes.subarray(at, end) });
      } catch (error) {
        note(error);
      }
      at = end;
    }
  } catch (error) {
    note(error);
  }
  return { packets, faults };
}

interface Frame {
  readonly tag: number;
  readonly bodyStart: number;
  readonly end: number;
}

function readFrame(bytes: Uint8Array, at: number): Frame {
  const first = bytes[at] ?? 0;
  if (at === 0 && first === 0x3c)
    throw new Unreadable('malformed', 'it is a web page, perhaps the login page of a network');
  if ((first & 0x80) === 0) throw new Unreadable('malformed', 'it is not an OpenPGP signature');
  const isNewForm = (first & 0x40) !== 0;
  const reader = new Reader(bytes.subarray(at + 1));
  const length = isNewForm ? readNewLength(reader) : readOldLength(reader, first & 0x03);
  const bodyStart = at + 1 + reader.position;
  const end = bodyStart + length;
  if (end > bytes.length)
    throw new Unreadable(
      'truncated',
      `it is cut short: a packet of ${length} bytes has only ${bytes.length - bodyStart}`,
    );
  return { tag: isNewForm ? first & 0x3f : (first >> 2) & 0x0f, bodyStart, end };
}

function readOldLength(reader: Reader, kind: number): number {
  if (kind === 3) throw new Unreadable('malformed', 'it has a packet of unknown length');
  return reader.number(2 ** kind);
}

function readNewLength(reader: Reader): number {
  const first = reader.number(1);
  if (first < 192) return first;
  if (first < 224) return (first - 192) * 256 + reader.number(1) + 192;
  if (first < 255) throw new Unreadable('malformed', 'it has a packet of partial lengths');
  return reader.number(4);
}

function readBody(body: Uint8Array): Omit<SignaturePacket, 'bytes'> {
  const reader = new Reader(body);
  const version = reader.number(1);
  if (version === 3) return readVersion3(reader);
  if (version === 4) return readVersion4(reader, body);
  throw new Unreadable('unsupported', `it is an OpenPGP signature of version ${version}; setup supports 3 and 4`);
}

/** Source: RFC 4880 5.2.2. */
function readVersion3(reader: Reader): Omit<SignaturePacket, 'bytes'> {
  if (reader.number(1) !== 5)
    throw new Unreadable('malformed', 'it is a signature of version 3 with a wrong length field');
  const trailer = reader.take(5);
  refuseOtherTypes(trailer[0]);
  const issuerKeyId = hexOf(reader.take(8));
  return {
    ...readAlgorithms(reader),
    trailer,
    issuerKeyId: keyIdOf(issuerKeyId),
    expiresAt: undefined,
    ...readEnd(reader),
  };
}

/** Source: RFC 4880 5.2.3 and 5.2.4. */
function readVersion4(reader: Reader, body: Uint8Array): Omit<SignaturePacket, 'bytes'> {
  refuseOtherTypes(reader.number(1));
  const algorithms = readAlgorithms(reader);
  const hashed = readSubpackets(reader.take(reader.number(2)));
  const hashedBytes = reader.position;
  const unhashed = readSubpackets(reader.take(reader.number(2)));
  const trailer = Buffer.alloc(hashedBytes + 6);
  trailer.set(body.subarray(0, hashedBytes));
  trailer.set([4, 0xff], hashedBytes);
  trailer.writeUInt32BE(hashedBytes, hashedBytes + 2);
  const issuer = hashed.issuerKeyId ?? unhashed.issuerKeyId;
  const { createdSeconds, lifetimeSeconds } = hashed;
  const expiresAt =
    createdSeconds === undefined || !lifetimeSeconds ? undefined : new Date((createdSeconds + lifetimeSeconds) * 1000);
  return { ...algorithms, trailer, issuerKeyId: keyIdOf(issuer), expiresAt, ...readEnd(reader) };
}

/** Setup verifies signatures of bytes only, not those of text, keys and user ids. */
function refuseOtherTypes(type: number | undefined): void {
  if (type !== BINARY_DOCUMENT)
    throw new Unreadable('unsupported', `it is not a signature of a binary file (OpenPGP type ${type})`);
}

function readAlgorithms(reader: Reader): Pick<SignaturePacket, 'algorithm' | 'hash'> {
  return { algorithm: reader.number(1), hash: reader.number(1) };
}

function readEnd(reader: Reader): Pick<SignaturePacket, 'digestStart' | 'material'> {
  return { digestStart: reader.take(2), material: reader.rest() };
}

interface Subpackets {
  issuerKeyId?: string;
  createdSeconds?: number;
  lifetimeSeconds?: number;
}

/** Reads subpackets 2 (creation time), 3 (lifetime), 16 and 33 (issuer); setup uses none. Source: RFC 4880 5.2.3.1. */
function readSubpackets(area: Uint8Array): Subpackets {
  const found: Subpackets = {};
  const reader = new Reader(area);
  while (!reader.isAtEnd) {
    const first = reader.number(1);
    const length = first < 192 ? first : first < 255 ? (first - 192) * 256 + reader.number(1) + 192 : reader.number(4);
    const subpacket = new Reader(reader.take(length));
    const kind = length === 0 ? -1 : subpacket.number(1) & 0x7f;
    if (kind === 2) found.createdSeconds = subpacket.number(4);
    else if (kind === 3) found.lifetimeSeconds = subpacket.number(4);
    else if (kind === 16) found.issuerKeyId = hexOf(subpacket.take(8));
    else if (kind === 33 && subpacket.number(1) === 4) found.issuerKeyId ??= hexOf(subpacket.take(20)).slice(-16);
  }
  return found;
}

/** Reads exactly `count` multi-precision integers, big-endian without leading zeros; returns undefined for anything
 *  else. */
export function readNumbers(material: Uint8Array, count: number): readonly Uint8Array[] | undefined {
  const reader = new Reader(material);
  const numbers: Uint8Array[] = [];
  try {
    while (numbers.length < count) numbers.push(reader.take(Math.ceil(reader.number(2) / 8)));
  } catch {
    return undefined;
  }
  return reader.isAtEnd ? numbers : undefined;
}

/** Returns undefined for a key id of zeros, which means no key id. */
function keyIdOf(hex: string | undefined): string | undefined {
  return hex === undefined || /^0+$/.test(hex) ? undefined : hex;
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex').toUpperCase();
}

/** Reads bytes from the front. Throws `truncated` at the end. */
class Reader {
  position = 0;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.position === this.#bytes.length;
  }

  take(count: number): Uint8Array {
    const end = this.position + count;
    if (end > this.#bytes.length)
      throw new Unreadable(
        'truncated',
        `it is cut short: expected ${count} more bytes, found ${this.#bytes.length - this.position}`,
      );
    const taken = this.#bytes.subarray(this.position, end);
    this.position = end;
    return taken;
  }

  /** Big-endian, at most 4 bytes. */
  number(bytes: number): number {
    return this.take(bytes).reduce((value, byte) => value * 256 + byte, 0);
  }

  rest(): Uint8Array {
    return this.take(this.#bytes.length - this.position);
  }
}
