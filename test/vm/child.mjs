// Starts a machine from the built package and waits: `node child.mjs JOB.json`. Says the process id of QEMU.
import { readFileSync } from 'node:fs';
import process from 'node:process';
import { startMachine } from '../../dist/vm/start.js';

const { spec, host, directory } = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const machine = await startMachine(spec, host, { directory });
process.stdout.write(`${machine.pid}\n`);
await machine.exited;
