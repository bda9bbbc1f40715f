// A TCP relay on loopback that makes a server look far away: node relay.mjs TARGET_PORT RTT_MS MBIT_PER_S SEGMENTS.
// Prints its port. TLS passes through.
//
// Latency: each direction takes half of the round trip. The first bytes of a connection leave one round trip after it
// was accepted, because the kernel has answered the client's SYN at once. Rate: all connections share the line from the
// server in turn; requests are not limited. Slow start: a connection may have SEGMENTS segments under way (10 on
// Linux), and one more for each acknowledged one. Loss is not modelled, so neither is the rest of congestion control.
import { connect, createServer } from 'node:net';

const [targetPort, rttMs, mbit, segments] = process.argv.slice(2).map(Number);
const halfMs = rttMs / 2;
const bytesPerMs = (mbit * 1e6) / 8 / 1000;
const FIRST_WINDOW = segments * 1460;
const MAX_WINDOW = 6 * 1024 * 1024;
/** Bytes of one connection before the next has its turn. */
const TURN_BYTES = 16 * 1024;
/** Time that the waiting bytes of the line need. */
const QUEUE_MS = 8;

/** Runs actions at their times, which never decrease. */
class Timeline {
  #due = [];
  #timer;

  add(atMs, action) {
    this.#due.push({ atMs, action });
    if (this.#timer === undefined) this.#wait();
  }

  #wait() {
    this.#timer = setTimeout(() => this.#run(), Math.max(1, this.#due[0].atMs - performance.now()));
  }

  #run() {
    const now = performance.now();
    const first = this.#due.findIndex(({ atMs }) => atMs > now);
    const ready = this.#due.splice(0, first < 0 ? this.#due.length : first);
    for (const { action } of ready) action();
    this.#timer = undefined;
    if (this.#due.length > 0) this.#wait();
  }
}

const deliveries = new Timeline();
const acknowledgements = new Timeline();
const line = { freeAtMs: 0, timer: undefined };
/** Connections in the order of their turns. */
let turns = [];

function pump() {
  for (;;) {
    const now = performance.now();
    const busyMs = line.freeAtMs - now;
    if (busyMs > QUEUE_MS) {
      line.timer ??= setTimeout(
        () => {
          line.timer = undefined;
          pump();
        },
        busyMs - QUEUE_MS / 2,
      );
      return;
    }
    const at = turns.findIndex(({ server, window, sentBytes }) => server.readableLength > 0 && sentBytes < window);
    if (at < 0) return;
    const [connection] = turns.splice(at, 1);
    turns.push(connection);
    send(connection, now);
  }
}

function send(connection, now) {
  const { client, server, window, sentBytes } = connection;
  const chunk = server.read(Math.min(server.readableLength, TURN_BYTES, window - sentBytes));
  connection.sentBytes += chunk.length;
  line.freeAtMs = Math.max(line.freeAtMs, now) + chunk.length / bytesPerMs;
  deliveries.add(line.freeAtMs + halfMs, () =>
    client.write(chunk, () =>
      acknowledgements.add(performance.now() + halfMs, () => {
        connection.sentBytes -= chunk.length;
        connection.window = Math.min(MAX_WINDOW, connection.window + chunk.length);
        pump();
      }),
    ),
  );
}

const relay = createServer({ noDelay: true, allowHalfOpen: true }, (client) => {
  const openAtMs = performance.now() + rttMs;
  const server = connect({ port: targetPort, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
  const connection = { client, server, window: FIRST_WINDOW, sentBytes: 0 };
  turns.push(connection);
  const requests = new Timeline();
  const later = (action) => requests.add(Math.max(performance.now(), openAtMs) + halfMs, action);
  const close = () => {
    turns = turns.filter((one) => one !== connection);
    client.destroy();
    server.destroy();
  };
  client.on('data', (chunk) => later(() => server.write(chunk)));
  client.on('end', () => later(() => server.end()));
  server.on('readable', () => {
    // At the end only a read of nothing reports it.
    if (server.readableLength === 0) server.read(0);
    pump();
  });
  server.on('end', () => deliveries.add(Math.max(line.freeAtMs, performance.now()) + halfMs, () => client.end()));
  for (const socket of [client, server]) socket.on('error', close).on('close', close);
});
relay.listen(0, '127.0.0.1', () => console.log(relay.address().port));
