// AssemblyScript, not TypeScript: what finds the statements of an index. `npm run scanner` compiles it to scan-code.ts.
//
// Of reading an index nearly all is looking at each of its bytes, and a command does it once: JavaScript would be interpreted for
// the first megabytes, compiled meanwhile, and needs four times as long even then.
//
// Knows the form in which the official generator writes statements and stops at any other. What a statement means is not known
// here. The memory: tables and events below WINDOW, there the text in hand, whole lines from `scan`'s `from` to its `to`.
// The host puts in the character classes and the keys.

export const CLASSES: i32 = 0;
/** For each key, in the order of preference: its form, its length, its bytes. */
export const KEYS: i32 = 256;
export const KEY_BYTES: i32 = 24;
const MOST_KEYS: i32 = 16;
/** Statements found: number of the key, line, start and end in the window, and what its form adds: the number of a list's entry;
 *  all bits seen in a text; size, start and end of the digest of an archive. */
export const EVENTS: i32 = KEYS + MOST_KEYS * KEY_BYTES;
export const EVENT_FIELDS: i32 = 7;
const EVENT_BYTES: i32 = EVENT_FIELDS * 4;
export const MOST_EVENTS: i32 = 512;

/** Lists seen before, a map from their bytes to numbers: for each slot the number of an entry, from 1. */
const SLOTS: i32 = EVENTS + MOST_EVENTS * EVENT_BYTES;
const SLOT_COUNT: i32 = 1 << 16;
const HASHES: i32 = SLOTS + SLOT_COUNT * 4;
const MOST_ENTRIES: i32 = SLOT_COUNT / 2;
/** Where the bytes of each entry begin, its form before them; they end where the next begin. */
const STARTS: i32 = HASHES + MOST_ENTRIES * 4;
const ARENA: i32 = STARTS + (MOST_ENTRIES + 1) * 4;
const ARENA_END: i32 = ARENA + (4 << 20);
/** Places looked at for one list. Lists that an enemy made to collide are then not kept, instead of each costing more than the last. */
const MOST_PROBES: i32 = 32;
/** Longer lists are not worth a place. */
const LONGEST_KEPT: i32 = 4096;

export const WINDOW: i32 = ARENA_END;
export const WINDOW_BYTES: i32 = 1 << 20;

// Forms: what follows a key on its line.
export const FORM_WORD: i32 = 0;
export const FORM_ARCHIVE: i32 = 1;
export const FORM_TEXT: i32 = 2;
/** Entries with ", " between, in the first table. */
export const FORM_COMMAS: i32 = 3;
/** Words with blanks between; two forms, whose lists are told apart. */
export const FORM_BLANKS: i32 = 4;
export const FORM_CATEGORIES: i32 = 5;

/** The first key opens a package and may stand anywhere, the others in an open package. */
const PACKAGE_KEY: i32 = 0;
export const BLANK_LINE: i32 = -1;
export const LABEL: i32 = -2;

/** Bits of the classes. */
const HEX: i32 = 2;
const BASE64: i32 = 4;
const ALL_CLASSES: i32 = 7;

const NEWLINE: i32 = 10;
const SPACE: i32 = 32;
const QUOTE: i32 = 34;
const OPEN: i32 = 40;
const CLOSE: i32 = 41;
const COMMA: i32 = 44;
const COLON: i32 = 58;
const LESS: i32 = 60;
const EQUAL: i32 = 61;
const GREATER: i32 = 62;
const OPEN_LABEL: i32 = 91;
const CLOSE_LABEL: i32 = 93;

/** Digits of a size that certainly fit in 31 bits. */
const SAFE_SIZE_DIGITS: i32 = 9;
const LONGEST_LABEL: i32 = 63;

const OTHER_FORM: i32 = -1;
const NO_ENTRY: i32 = -1;

/** How many keys there are, and the longest word: set by the host. */
export let keyCount: i32 = 0;
export let longestWord: i32 = 0;

/** Where the last scan stopped: at the start of a line, in the window, and the number of that line. */
export let stop: i32 = 0;
export let stopLine: i32 = 0;

let entryCount: i32 = 0;
/** One past the last line end of the text in hand. */
let end: i32 = 0;
/** Lines that the statement in hand ends after. */
let lines: i32 = 0;

/** Forgets all lists. */
export function forget(): void {
  entryCount = 0;
  memory.fill(SLOTS, 0, SLOT_COUNT * 4);
}

/** Finds statements from a line's start until the events are full or another form comes; returns how many. */
export function scan(from: i32, to: i32, firstLine: i32, isInBlock: bool): i32 {
  end = WINDOW + to;
  let at = WINDOW + from;
  let line = firstLine;
  let isOpen = isInBlock;
  let count = 0;
  while (count < MOST_EVENTS && at < end) {
    const event = EVENTS + count * EVENT_BYTES;
    lines = 1;
    const next = statement(event, at, isOpen);
    if (next == OTHER_FORM) break;
    const key = load<i32>(event);
    if (key == BLANK_LINE) isOpen = false;
    else if (key == PACKAGE_KEY) isOpen = true;
    store<i32>(event + 4, line);
    at = next;
    line += lines;
    count++;
  }
  stop = at - WINDOW;
  stopLine = line;
  return count;
}

function byte(at: i32): i32 {
  return load<u8>(at);
}

function classesOf(one: i32): i32 {
  return load<u8>(CLASSES + one);
}

/** Each of these returns the start of the next line, or OTHER_FORM. */
function statement(event: i32, at: i32, isOpen: bool): i32 {
  const first = byte(at);
  if (first == NEWLINE) {
    note(event, BLANK_LINE, at, at, 0);
    return at + 1;
  }
  if (first == OPEN_LABEL) return isOpen ? label(event, at) : OTHER_FORM;
  for (let key = 0; key < keyCount; key++) {
    if (key != PACKAGE_KEY && !isOpen) break;
    const start = afterKey(key, at);
    if (start == OTHER_FORM) continue;
    const form = byte(KEYS + key * KEY_BYTES);
    if (form == FORM_WORD) return word(event, key, start);
    if (form == FORM_ARCHIVE) return archive(event, key, start);
    if (form == FORM_TEXT) return text(event, key, start);
    return list(event, key, start, form);
  }
  return OTHER_FORM;
}

function note(event: i32, key: i32, start: i32, stopAt: i32, more: i32): void {
  store<i32>(event, key);
  store<i32>(event + 8, start - WINDOW);
  store<i32>(event + 12, stopAt - WINDOW);
  store<i32>(event + 16, more);
}

/** Where what follows a key starts. A key holds no line end, so this looks at no byte behind the text in hand. */
function afterKey(key: i32, at: i32): i32 {
  const keyAt = KEYS + key * KEY_BYTES + 2;
  const length = byte(keyAt - 1);
  for (let i = 0; i < length; i++) if (byte(at + i) != byte(keyAt + i)) return OTHER_FORM;
  return at + length;
}

function word(event: i32, key: i32, start: i32): i32 {
  const wordStop = wordEnd(start);
  if (wordStop == OTHER_FORM || byte(wordStop) != NEWLINE) return OTHER_FORM;
  note(event, key, start, wordStop, 0);
  return wordStop + 1;
}

/** The end of the word at `at`; OTHER_FORM for what is none, or might be a digest or a keyword. */
function wordEnd(at: i32): i32 {
  let bits = ALL_CLASSES;
  let next = at;
  for (;;) {
    const classes = classesOf(byte(next));
    if (classes == 0) break;
    bits &= classes;
    next++;
  }
  const length = next - at;
  if (length == 0 || length > longestWord) return OTHER_FORM;
  if ((length == 128 || length == 32) && (bits & HEX) != 0) return OTHER_FORM;
  if (length == 86 && (bits & BASE64) != 0) return OTHER_FORM;
  return byte(next - 1) == COLON ? OTHER_FORM : next;
}

/** A path, a size and a hexadecimal digest. */
function archive(event: i32, key: i32, start: i32): i32 {
  const pathEnd = wordEnd(start);
  if (pathEnd == OTHER_FORM || byte(pathEnd) != SPACE) return OTHER_FORM;
  let next = pathEnd + 1;
  let sizeBytes = 0;
  for (let digit = byte(next) - 48; digit >= 0 && digit <= 9 && next - pathEnd <= SAFE_SIZE_DIGITS; digit = byte(next) - 48) {
    sizeBytes = sizeBytes * 10 + digit;
    next++;
  }
  if (next == pathEnd + 1 || byte(next) != SPACE) return OTHER_FORM;
  const digest = next + 1;
  const digestStop = digestEnd(digest);
  if (digestStop == OTHER_FORM) return OTHER_FORM;
  note(event, key, start, pathEnd, sizeBytes);
  store<i32>(event + 20, digest - WINDOW);
  store<i32>(event + 24, digestStop - WINDOW);
  return digestStop + 1;
}

/** The end of the hexadecimal digest at `at` when the line ends there. */
function digestEnd(at: i32): i32 {
  let stopAt = at + 128;
  if (stopAt >= end || byte(stopAt) != NEWLINE) stopAt = at + 32;
  if (stopAt >= end || byte(stopAt) != NEWLINE) return OTHER_FORM;
  let bits = HEX;
  for (let next = at; next < stopAt; next += 4) {
    bits &= classesOf(byte(next)) & classesOf(byte(next + 1)) & classesOf(byte(next + 2)) & classesOf(byte(next + 3));
  }
  return bits == 0 ? OTHER_FORM : stopAt;
}

/** Quoted text, perhaps over several lines, that ends its line. */
function text(event: i32, key: i32, start: i32): i32 {
  let next = start;
  let seen = 0;
  let count = 1;
  for (;;) {
    if (next >= end) return OTHER_FORM;
    const one = byte(next);
    if (one == QUOTE) break;
    if (one == NEWLINE) count++;
    else if (one == 0) return OTHER_FORM;
    seen |= one;
    next++;
  }
  if (byte(next + 1) != NEWLINE || next - start > longestWord) return OTHER_FORM;
  note(event, key, start, next, seen);
  lines = count;
  return next + 2;
}

/** A release label: a word in brackets. */
function label(event: i32, at: i32): i32 {
  let next = at + 1;
  while (classesOf(byte(next)) != 0) next++;
  const length = next - at - 1;
  if (length == 0 || length > LONGEST_LABEL || length > longestWord || byte(next) != CLOSE_LABEL || byte(next + 1) != NEWLINE) return OTHER_FORM;
  note(event, LABEL, at + 1, next, 0);
  return next + 2;
}

function list(event: i32, key: i32, start: i32, form: i32): i32 {
  let lineEnd = start;
  while (byte(lineEnd) != NEWLINE) lineEnd++;
  const hash = hashOf(start, lineEnd);
  let slot = hash & (SLOT_COUNT - 1);
  let free = OTHER_FORM;
  let entry = NO_ENTRY;
  for (let probe = 0; probe < MOST_PROBES; probe++) {
    const found = load<i32>(SLOTS + slot * 4) - 1;
    if (found < 0) {
      free = slot;
      break;
    }
    if (load<i32>(HASHES + found * 4) == hash && isEntry(found, start, lineEnd, form)) {
      entry = found;
      break;
    }
    slot = (slot + 1) & (SLOT_COUNT - 1);
  }
  if (entry == NO_ENTRY) {
    if (!(form == FORM_COMMAS ? isCommaList(start, lineEnd) : isBlankList(start, lineEnd))) return OTHER_FORM;
    if (free != OTHER_FORM) entry = keep(start, lineEnd, form, hash, free);
  }
  note(event, key, start, lineEnd, entry);
  return lineEnd + 1;
}

/** Four bytes a step: each step waits for the one before. */
function hashOf(start: i32, stopAt: i32): i32 {
  let hash = stopAt - start;
  let at = start;
  for (const last = stopAt - 3; at < last; at += 4) hash = hash * 923521 + load<i32>(at);
  for (; at < stopAt; at++) hash = hash * 31 + byte(at);
  hash = (hash ^ (hash >>> 15)) * 0x9e3779b1; // lists that differ in their last digit must not sit side by side
  return hash ^ (hash >>> 15);
}

function isEntry(entry: i32, start: i32, stopAt: i32, form: i32): bool {
  let kept = ARENA + load<i32>(STARTS + entry * 4);
  const keptEnd = ARENA + load<i32>(STARTS + entry * 4 + 4);
  if (keptEnd - kept - 1 != stopAt - start || byte(kept) != form) return false;
  for (let at = start; at < stopAt; at++) if (byte(at) != byte(++kept)) return false;
  return true;
}

/** Gives a list a number, from 0; NO_ENTRY when there is no room. */
function keep(start: i32, stopAt: i32, form: i32, hash: i32, slot: i32): i32 {
  const entry = entryCount;
  if (entry == 0) store<i32>(STARTS, 0);
  const offset = load<i32>(STARTS + entry * 4);
  const length = stopAt - start;
  if (entry == MOST_ENTRIES || length > LONGEST_KEPT || ARENA + offset + 1 + length > ARENA_END) return NO_ENTRY;
  store<u8>(ARENA + offset, form);
  memory.copy(ARENA + offset + 1, start, length);
  store<i32>(STARTS + entry * 4 + 4, offset + 1 + length);
  store<i32>(HASHES + entry * 4, hash);
  store<i32>(SLOTS + slot * 4, entry + 1);
  entryCount = entry + 1;
  return entry;
}

/** Words with single blanks between, and at least one. */
function isBlankList(start: i32, stopAt: i32): bool {
  let next = wordEnd(start);
  while (next != OTHER_FORM && next != stopAt) next = byte(next) == SPACE ? wordEnd(next + 1) : OTHER_FORM;
  return next == stopAt;
}

/** `NAME` or `NAME (OP VERSION)`, with `, ` between, and at least one. */
function isCommaList(start: i32, stopAt: i32): bool {
  let next = entryEnd(start);
  while (next != OTHER_FORM && next != stopAt) {
    next = byte(next) == COMMA && byte(next + 1) == SPACE ? entryEnd(next + 2) : OTHER_FORM;
  }
  return next == stopAt;
}

function entryEnd(at: i32): i32 {
  const nameEnd = wordEnd(at);
  if (nameEnd == OTHER_FORM || byte(nameEnd) != SPACE || byte(nameEnd + 1) != OPEN) return nameEnd;
  const operatorStop = operatorEnd(nameEnd + 2);
  if (operatorStop == OTHER_FORM || byte(operatorStop) != SPACE) return OTHER_FORM;
  const versionEnd = wordEnd(operatorStop + 1);
  return versionEnd == OTHER_FORM || byte(versionEnd) != CLOSE ? OTHER_FORM : versionEnd + 1;
}

function operatorEnd(at: i32): i32 {
  const first = byte(at);
  if (first == EQUAL) return at + 1;
  if (first != LESS && first != GREATER) return OTHER_FORM;
  const second = byte(at + 1);
  return second == EQUAL || second == first ? at + 2 : at + 1;
}
