import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { select } from './conditions.ts';
import { closeFile, find, list, piecesOf, readPart } from './files.ts';
import type { OpenFile } from './files.ts';
import { listingHtml } from './listing.ts';
import { encodeName, parseTarget } from './path.ts';
import type { Target } from './path.ts';
import { SMALL_BYTES } from './small-files.ts';
import type { SmallFile, SmallFiles } from './small-files.ts';
import { contentType } from './types.ts';

/** What a server serves. */
export interface Content {
  /** Real path of a directory. */
  readonly root: string;
  /** Names in the root that stand for other directories in it. */
  readonly aliases: ReadonlyMap<string, string>;
  readonly small: SmallFiles;
}

/** Answers one request for a file or directory. Throws when the client disconnects or the
 *  file fails; the caller must then close the connection, so that no client takes a part for the whole. */
export async function respond(content: Content, request: IncomingMessage, response: ServerResponse): Promise<void> {
  response.setHeader('X-Content-Type-Options', 'nosniff');
  // Caches must revalidate: an index and its signature change together.
  response.setHeader('Cache-Control', 'no-cache');
  const { method } = request;
  if (method !== 'GET' && method !== 'HEAD') {
    response.setHeader('Allow', 'GET, HEAD');
    response.setHeader('Connection', 'close');
    return plain(response, 405);
  }
  const target = parseTarget(request.url ?? '');
  if (target.kind === 'refused') return plain(response, target.status);
  const [first = '', ...rest] = target.names;
  const alias = content.aliases.get(first);
  const found = find(content.root, alias === undefined ? target.names : [alias, ...rest], content.small);
  if (found.kind === 'refused') {
    const detail = found.link === undefined ? undefined : `\`${found.link}\` is a symbolic link, which is not followed`;
    return plain(response, found.status, detail);
  }
  if (found.kind === 'directory') return directory(content, found.path, target, response);
  try {
    return target.isDirectory ? plain(response, 404) : await file(found.file, target, request, response);
  } finally {
    closeFile(found.file);
  }
}

type PathTarget = Extract<Target, { kind: 'path' }>;

async function directory(
  { root, aliases }: Content,
  path: string,
  { names, isDirectory, query }: PathTarget,
  response: ServerResponse,
): Promise<void> {
  if (isDirectory) {
    const shown = new Map(names.length === 0 ? [...aliases].map(([alias, name]) => [name, alias]) : []);
    const entries = (await list(root, path)).map((entry) => ({ ...entry, name: shown.get(entry.name) ?? entry.name }));
    return text(response, 200, { type: 'text/html; charset=utf-8', body: listingHtml(names, entries) });
  }
  response.setHeader('Location', `/${names.map((name) => `${encodeName(name)}/`).join('')}${query}`);
  return plain(response, 301);
}

async function file(
  opened: OpenFile | SmallFile,
  { names }: PathTarget,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { state } = opened;
  const method = request.method === 'HEAD' ? 'HEAD' : 'GET';
  const selection = select(method, request.headers, state, Date.now());
  response.setHeader('ETag', state.etag);
  response.setHeader('Last-Modified', new Date(state.modifiedMs).toUTCString());
  response.setHeader('Accept-Ranges', 'bytes');
  if (selection.status === 416) response.setHeader('Content-Range', `bytes */${state.sizeBytes}`);
  if (selection.status === 304) {
    response.writeHead(304).end();
    return;
  }
  if (!('start' in selection)) return plain(response, selection.status);
  const { status, start, end } = selection;
  const lengthBytes = end - start + 1;
  if (status === 206) response.setHeader('Content-Range', `bytes ${start}-${end}/${state.sizeBytes}`);
  response.setHeader('Content-Type', contentType(names.at(-1) ?? ''));
  response.setHeader('Content-Length', lengthBytes);
  response.statusCode = status;
  if (method === 'HEAD') response.end();
  else if ('content' in opened || lengthBytes <= SMALL_BYTES) response.end(readPart(opened, start, lengthBytes));
  else await pipeline(piecesOf(opened, start, lengthBytes), response);
}

const REASONS = {
  301: 'moved permanently',
  400: 'bad request',
  403: 'forbidden',
  404: 'not found',
  405: 'method not allowed',
  412: 'precondition failed',
  416: 'range not satisfiable',
  500: 'internal server error',
} as const;

/** Sends a status with a one-line text body. */
export function plain(response: ServerResponse, status: keyof typeof REASONS, detail?: string): void {
  const body = `${status} ${REASONS[status]}${detail === undefined ? '' : `: ${detail}`}\n`;
  text(response, status, { type: 'text/plain; charset=utf-8', body });
}

function text(response: ServerResponse, status: number, { type, body }: { type: string; body: string }): void {
  const bytes = Buffer.from(body);
  response.writeHead(status, { 'Content-Type': type, 'Content-Length': bytes.length }).end(bytes);
}
