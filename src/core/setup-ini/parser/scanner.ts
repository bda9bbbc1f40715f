import { CLASSES, SCANNED_KEYS, type ScannedForm } from './lexicon.ts';
import { SCAN_CODE } from './scan-code.ts';

/** What scan.as exports, where everything is said of it. */
interface Exports {
  readonly memory: WebAssembly.Memory;
  readonly scan: (from: number, to: number, line: number, isInBlock: number) => number;
  readonly forget: () => void;
  readonly keyCount: WebAssembly.Global;
  readonly longestWord: WebAssembly.Global;
  readonly stop: WebAssembly.Global;
  readonly stopLine: WebAssembly.Global;
}

type Constant =
  'CLASSES' | 'KEYS' | 'KEY_BYTES' | 'EVENTS' | 'EVENT_FIELDS' | 'MOST_EVENTS' | 'WINDOW' | 'WINDOW_BYTES';
type Form = `FORM_${Uppercase<ScannedForm>}`;

/** Finds the statements of a text whose form is the usual one, without knowing what they mean: the part of the parser that looks at
 *  every byte, in WebAssembly. All parsers have one in common, since it has some megabytes of tables. */
export class Scanner {
  static #shared: Scanner | undefined;

  /** Fields of an event: key, line, start, end, and more of some forms. */
  readonly events: Int32Array;
  readonly eventFields: number;
  readonly mostEvents: number;
  readonly windowBytes: number;
  readonly #code: Exports;
  readonly #window: Uint8Array;
  #generation = 0;

  /** The scanner of this process. Undefined where there is no WebAssembly (`node --jitless`), and where numbers do not stand in memory
   *  as there, the lowest byte first. */
  static shared(): Scanner | undefined {
    if (!('WebAssembly' in globalThis) || new Uint8Array(Uint16Array.of(1).buffer)[0] === 0) return undefined;
    return (this.#shared ??= new Scanner());
  }

  private constructor() {
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(SCAN_CODE, 'base64')));
    const code = exports as unknown as Exports & Readonly<Record<Constant | Form, WebAssembly.Global>>;
    const constant = (name: Constant | Form): number => Number(code[name].value);
    const { buffer } = code.memory;
    new Uint8Array(buffer, constant('CLASSES')).set(CLASSES);
    SCANNED_KEYS.forEach(({ text, form }, i) => {
      const entry = new Uint8Array(buffer, constant('KEYS') + i * constant('KEY_BYTES'), constant('KEY_BYTES'));
      entry.set([
        constant(`FORM_${form.toUpperCase() as Uppercase<ScannedForm>}`),
        text.length,
        ...Buffer.from(text, 'latin1'),
      ]);
    });
    code.keyCount.value = SCANNED_KEYS.length;
    this.#code = code;
    this.eventFields = constant('EVENT_FIELDS');
    this.mostEvents = constant('MOST_EVENTS');
    this.events = new Int32Array(buffer, constant('EVENTS'), this.mostEvents * this.eventFields);
    this.windowBytes = constant('WINDOW_BYTES');
    this.#window = new Uint8Array(buffer, constant('WINDOW'), this.windowBytes);
  }

  /** Another number when lists have other numbers than before. */
  get generation(): number {
    return this.#generation;
  }

  /** Forgets which lists came before. */
  forget(): void {
    this.#generation++;
    this.#code.forget();
  }

  /** Says how long words may be; the lists it knows were checked for another length, if that was different. */
  limitWords(longestWord: number): void {
    if (this.#code.longestWord.value === longestWord) return;
    this.#code.longestWord.value = longestWord;
    this.forget();
  }

  /** Takes text in hand, no more than `windowBytes`. */
  take(bytes: Uint8Array): void {
    this.#window.set(bytes);
  }

  /** Finds statements in the text in hand from a line's start `from` until another form or `to`, one past a line end, or until the
   *  events are full; returns how many. */
  scan(from: number, to: number, line: number, isInBlock: boolean): number {
    return this.#code.scan(from, to, line, isInBlock ? 1 : 0);
  }

  /** Where the last scan stopped. */
  get stop(): number {
    return Number(this.#code.stop.value);
  }

  /** The line there. */
  get stopLine(): number {
    return Number(this.#code.stopLine.value);
  }
}
