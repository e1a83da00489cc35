import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

/** Another one to measure against: PEISEAR_BINARY. */
const BINARY = process.env.PEISEAR_BINARY ?? resolve(__dirname, '../../bin/peisear');
/** A busy machine starts slowly; a program that has ended is noticed at once. */
const START_MS = 60_000;
const FIRST_INVITE = 'first-admin-of-the-browser-tests';

const FIRST_PORT = 26_000;
const WORKERS = 6;
const PORTS = 1000; // of each worker
let drawn = 0;

/** A signed-up user: what a person types, and a token for what a test does in their name. */
export type User = { id: string; email: string; password: string; displayName: string; token: string };

type Settings = Record<string, string>;

/** The real binary on a free port, with its data in a folder of its own. */
export class Server {
  readonly url: string;
  readonly #folder: string;
  readonly #settings: Settings;
  #process: ChildProcess | undefined;
  #log = '';
  #users = 0;

  private constructor(url: string, folder: string, settings: Settings) {
    this.url = url;
    this.#folder = folder;
    this.#settings = settings;
  }

  static start(settings: Settings = {}): Promise<Server> {
    return Server.at('127.0.0.1', () => settings);
  }

  /** A server that has a name, which passkeys need: they know no numbers. */
  static named(): Promise<Server> {
    return Server.at('localhost', (url) => ({ PUBLIC_BASE_URL: url }));
  }

  /** A server whose settings depend on where it will be. */
  static async at(host: string, settings: (url: string) => Settings | Promise<Settings>): Promise<Server> {
    const url = `http://${host}:${await freePort()}`;
    const server = new Server(url, await mkdtemp(join(tmpdir(), 'peisear-')), await settings(url));
    await server.up();
    return server;
  }

  /** Starts the program, again or for the first time, with its data and at its address. */
  async up(more: Settings = {}): Promise<void> {
    const own = { PATH: process.env.PATH, BIND_ADDR: new URL(this.url).host, INITIAL_INVITE_CODE: FIRST_INVITE };
    const started = spawn(BINARY, ['serve'], {
      cwd: this.#folder,
      env: { ...own, ...this.#settings, ...more },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#process = started;
    const keep = (chunk: Buffer) => (this.#log += chunk.toString());
    started.stdout.on('data', keep);
    started.stderr.on('data', keep);
    const deadline = Date.now() + START_MS;
    while (!(await fetch(`${this.url}/api/health`).catch(() => undefined))?.ok) {
      if (started.exitCode !== null || Date.now() > deadline) {
        throw new Error(`the server does not answer:\n${this.#log}`);
      }
      await new Promise((retry) => setTimeout(retry, 20));
    }
  }

  /** Ends the program; its data and its address stay for the next time. */
  async down(): Promise<void> {
    const running = this.#process;
    if (!running || running.exitCode !== null) return;
    const ended = new Promise((done) => running.once('exit', done));
    running.kill('SIGTERM');
    await ended;
  }

  async stop(): Promise<void> {
    await this.down();
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** Runs another command of the binary beside the server, on the same data; answers what it printed. */
  async command(...args: string[]): Promise<string> {
    const { stdout } = await promisify(execFile)(BINARY, args, { cwd: this.#folder, env: { PATH: process.env.PATH } });
    return stdout;
  }

  /** Calls the API as a user and answers the body; anything but 2xx is an error. */
  async call<T>(user: User | undefined, method: string, path: string, body?: unknown): Promise<T> {
    const response = await fetch(this.url + path, {
      method,
      headers: {
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...(user ? { Authorization: `Bearer ${user.token}` } : {}),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return (text ? JSON.parse(text) : undefined) as T;
  }

  /** The admin who signs up with the first invite. */
  firstAdmin(): Promise<User> {
    return this.signUp(FIRST_INVITE, 'Ada Lovelace');
  }

  /** One more user, invited by the admin. */
  async invited(admin: User, displayName: string): Promise<User> {
    return this.signUp((await this.invite(admin)).code, displayName);
  }

  invite(admin: User, invite: { email?: string; role?: string } = {}): Promise<{ code: string; url: string }> {
    return this.call(admin, 'POST', '/api/invites', invite);
  }

  private async signUp(code: string, displayName: string): Promise<User> {
    const email = `${/^[a-z]+/.exec(displayName.toLowerCase())?.[0] ?? 'user'}.${++this.#users}@example.org`;
    const password = 'correct horse battery staple';
    const { accessToken, user } = await this.call<{ accessToken: string; user: { id: string } }>(
      undefined,
      'POST',
      '/api/auth/signup/password',
      { code, email, password, displayName },
    );
    return { id: user.id, email, password, displayName, token: accessToken };
  }
}

/**
 * A port where nobody listens, for a server that starts later, or again. It is none that the system gives to whoever asks
 * for any, nor one of Go's tests (internal/base/basetest/address.go), nor one of another worker.
 */
async function freePort(): Promise<number> {
  const worker = Number(process.env.TEST_PARALLEL_INDEX ?? 0) % WORKERS;
  for (let looked = 0; looked < PORTS; looked++) {
    const port = FIRST_PORT + worker * PORTS + ((process.pid + drawn++) % PORTS);
    if (await isFree(port)) return port;
  }
  throw new Error('somebody listens at every port');
}

function isFree(port: number): Promise<boolean> {
  return new Promise((answer, reject) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? answer(false) : reject(error),
    );
    probe.listen(port, '127.0.0.1', () => probe.close(() => answer(true)));
  });
}
