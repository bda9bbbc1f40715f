import type { Report } from '../events.ts';
import { serveRepo } from '../serve/serve.ts';
import type { RepoServer } from '../serve/serve.ts';

export interface ServeRequest {
  readonly repo: string;
  readonly host?: string | undefined;
  readonly port?: number | undefined;
}

/** Serves a repo until the caller closes the server. Reports each request as a note. Throws as `serveRepo` does. */
export function serve({ repo, host, port }: ServeRequest, report: Report = () => {}): Promise<RepoServer> {
  return serveRepo(repo, {
    ...(host === undefined ? {} : { host }),
    ...(port === undefined ? {} : { port }),
    log: ({ method, target, status, sentBytes, durationMs, isComplete }) => {
      const end = isComplete ? `${sentBytes} bytes` : 'aborted';
      report({ kind: 'note', message: `${method} ${target}: ${status}, ${end}, ${durationMs} ms` });
    },
  });
}
