import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PASSDB_FILE, makePassdb, passdbFor } from '../../src/guest/passdb.ts';
import { prepareSmbd } from '../../src/guest/smbd.ts';
import { standIn } from '../../src/guest/stand-in/kind.ts';
import { WINDOWS_GUESTS } from '../../src/guest/windows/kinds.ts';
import { describeWith, pathOf } from '../support/qemu.ts';

const PASSWORD = 'Cy1-0123456789abcdef';

/** Serves each connection to a loopback port by a process of its own, as QEMU does. */
async function serve([program = '', ...words]: readonly string[]): Promise<Server> {
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    // smbd ends its process group when it ends.
    spawn(program, words, { stdio: [socket, socket, 'ignore'], detached: true }).on('exit', () => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

describeWith(['smbd', 'pdbedit', 'smbclient'], 'the login to the shares', () => {
  let root: string;
  let passdb: string;
  const { username: name, uid } = userInfo();

  beforeAll(async () => {
    root = mkdtempSync(join(tmpdir(), 'cyg-'));
    await makePassdb(pathOf('pdbedit') ?? '', root, PASSWORD);
    passdb = readFileSync(join(root, PASSDB_FILE), 'utf8');
  });
  afterAll(() => rmSync(root, { recursive: true }));

  test('has one line for its user, for any user that runs smbd', () => {
    expect(statSync(join(root, PASSDB_FILE)).mode & 0o777).toBe(0o600);
    expect(passdb).not.toContain(PASSWORD);
    expect(passdb).toMatch(new RegExp(`^${name}:${uid}:X{32}:[0-9A-F]{32}:\\[U {10}\\]:LCT-[0-9A-F]{8}:\n$`));
    const other = passdbFor(passdb, { name: 'builder', uid: 1234 });
    expect(other).toBe(passdb.replace(`${name}:${uid}:`, 'builder:1234:'));
    for (const text of ['', `${passdb}${passdb}`, passdb.replace('[U', '[DU'), passdb.slice(5)])
      expect(() => passdbFor(text, { name, uid })).toThrow('the password file for smbd is damaged');
  });

  test('its password file is not made if pdbedit fails', async () => {
    const empty = join(root, 'empty');
    await mkdir(empty);
    await expect(makePassdb('/bin/false', empty, PASSWORD)).rejects.toThrow('`pdbedit` failed');
    await expect(makePassdb('/bin/cat', empty, PASSWORD)).rejects.toThrow();
    expect(statSync(empty).nlink).toBe(2);
  });

  const kinds = [standIn, ...WINDOWS_GUESTS];
  const policies = [...new Map(kinds.map(({ name: kind, smb }) => [JSON.stringify(smb), { kind, smb }])).values()];

  describe.each(policies)('of $kind and its like', ({ kind, smb }) => {
    let server: Server;

    beforeAll(async () => {
      const directory = join(root, kind);
      const [store, xchg] = [join(directory, 'store'), join(directory, 'xchg')];
      for (const each of [store, xchg]) await mkdir(each, { recursive: true });
      writeFileSync(join(store, 'from-host'), '');
      const smbd = pathOf('smbd') ?? '';
      server = await serve(
        await prepareSmbd({ smbd, directory, store, xchg, policy: smb, passdb, user: { name, uid } }),
      );
    });
    afterAll(() => server.close());

    const list = async (login: readonly string[], options: Readonly<Record<string, string>> = {}): Promise<string> => {
      // A client can be faster than the process that smbd starts for notifications of changes, also a few times on a
      // machine with much to do.
      for (let tries = 1; ; tries++) {
        const result = await listOnce(login, options);
        if (tries === 20 || !result.includes('NT_STATUS_NO_MEMORY')) return result;
        await setTimeout(100);
      }
    };
    const listOnce = async (login: readonly string[], options: Readonly<Record<string, string>>): Promise<string> => {
      const { port } = server.address() as AddressInfo;
      // Without its own limit: only the server decides.
      const settings = { 'client min protocol': 'NT1', ...options };
      const words = Object.entries(settings).map(([option, value]) => `--option=${option}=${value}`);
      const argv = ['-s', '/dev/null', '//127.0.0.1/store', '-p', `${port}`, ...words, ...login, '-c', 'ls'];
      return new Promise((resolve) => {
        const child = execFile('smbclient', argv, { timeout: 50_000 }, (error, stdout, stderr) => {
          resolve(error === null && /^ {2}from-host /m.test(stdout) ? 'in' : `${stdout}${stderr}`);
        });
        child.stdin?.end();
      });
    };
    const login = (user: string, password = PASSWORD): string[] => ['-U', `${user}%${password}`];
    const isLegacy = smb.minProtocol === 'NT1';

    test.each(['cygstrap', '.\\cygstrap', 'CYGWIN\\cygstrap', 'Cygstrap'])('%s gets in', async (user) => {
      expect(await list(login(user))).toBe('in');
    });

    test('nobody else does', async () => {
      expect(await list(login('cygstrap', 'wrong'))).toContain('NT_STATUS_LOGON_FAILURE');
      expect(await list(login('cygstrap', ''))).toContain('NT_STATUS_LOGON_FAILURE');
      expect(await list(login('guest', ''))).toContain('NT_STATUS_LOGON_FAILURE');
      expect(await list(login('somebody', PASSWORD))).toContain('NT_STATUS_LOGON_FAILURE');
      expect(await list(['-N'])).toContain('NT_STATUS_ACCESS_DENIED');
    });

    test('a client can require signatures and encryption', async () => {
      expect(await list([...login('cygstrap'), '--client-protection=sign'])).toBe('in');
      if (!isLegacy) expect(await list([...login('cygstrap'), '--client-protection=encrypt'])).toBe('in');
    });

    test('protocols before that of the kind are refused', async () => {
      const order = ['NT1', 'SMB2_02', 'SMB2_10', 'SMB3_00', 'SMB3_11'];
      for (const [i, protocol] of order.entries()) {
        const result = await list(login('cygstrap'), { 'client max protocol': protocol });
        if (i >= order.indexOf(smb.minProtocol)) expect(result, protocol).toBe('in');
        else expect(result, protocol).toContain('protocol negotiation failed');
      }
    });

    test(`NTLMv1 is ${smb.allowsNtlmV1 ? 'accepted' : 'refused'}`, async () => {
      const old = {
        'client ntlmv2 auth': 'no',
        'client use spnego': 'no',
        ...(isLegacy && { 'client max protocol': 'NT1' }),
      };
      const result = await list(login('cygstrap'), old);
      if (smb.allowsNtlmV1) expect(result).toBe('in');
      else expect(result).toContain('NT_STATUS_');
    });
  });
});
