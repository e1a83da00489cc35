import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { offline, problem, serve } from '../testing';
import { follow, type Happening } from './stream';

/** A stream that the test writes to. */
class Wire {
  readonly response: Response;
  #controller!: ReadableStreamDefaultController<Uint8Array>;

  constructor(signal: AbortSignal) {
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#controller = controller;
        signal.addEventListener('abort', () => this.#try(() => controller.error(signal.reason)));
      },
    });
    this.response = new Response(body, { headers: { 'Content-Type': 'text/event-stream' } });
  }

  say(event: string, data: unknown): void {
    this.#controller.enqueue(new TextEncoder().encode(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`));
  }

  beat(): void {
    this.#controller.enqueue(new TextEncoder().encode(':\n\n'));
  }

  end(): void {
    this.#try(() => this.#controller.close());
  }

  #try(work: () => void): void {
    try {
      work();
    } catch {
      // It ended already.
    }
  }
}

let token: string | null;
let wires: Wire[];
let happened: Happening[];
let states: boolean[];
let refresh: (stale: string | null) => Promise<boolean>;
let ended: AbortController;

function begin(): Promise<void> {
  return follow(
    {
      url: '/api/live',
      token: () => token,
      refresh: (stale) => refresh(stale),
      on: (happening) => happened.push(happening),
      onState: (online) => states.push(online),
    },
    ended.signal,
  );
}

function accept(): ReturnType<typeof serve> {
  return serve((_, signal) => {
    const wire = new Wire(signal);
    wires.push(wire);
    return wire.response;
  });
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  token = 't1';
  wires = [];
  happened = [];
  states = [];
  refresh = () => Promise.resolve(false);
  ended = new AbortController();
});
afterEach(() => {
  ended.abort();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe('the stream', () => {
  test('carries the token in a header, and passes on what happens', async () => {
    const asked = accept();
    void begin();
    await vi.waitFor(() => expect(wires).toHaveLength(1));
    wires[0]!.say('heads', { epoch: 'e', scopes: { org: 1 } });
    wires[0]!.say('change', { scope: 'org', seq: 2 });
    wires[0]!.say('heads', { epoch: 'e', scopes: { 'project:1': 4 } });
    wires[0]!.say('purge', { scope: 'project:1' });
    wires[0]!.say('moon', {});
    await vi.waitFor(() => expect(happened).toHaveLength(4));
    expect(happened).toEqual([
      { kind: 'heads', heads: { epoch: 'e', scopes: { org: 1 } }, whole: true },
      { kind: 'change', entry: { scope: 'org', seq: 2 } },
      { kind: 'heads', heads: { epoch: 'e', scopes: { 'project:1': 4 } }, whole: false },
      { kind: 'purge', scope: 'project:1' },
    ]);
    expect(asked[0]!.path).toBe('/api/live');
    expect(asked[0]!.headers.get('Authorization')).toBe('Bearer t1');
    expect(states).toEqual([true]);
  });

  test('is opened again when it ends, and the first heads count as all again', async () => {
    accept();
    void begin();
    await vi.waitFor(() => expect(wires).toHaveLength(1));
    wires[0]!.say('heads', { epoch: 'e', scopes: {} });
    wires[0]!.end();
    await vi.waitFor(() => expect(states).toEqual([true, false]));
    await vi.advanceTimersByTimeAsync(1_000);
    await vi.waitFor(() => expect(wires).toHaveLength(2));
    wires[1]!.say('heads', { epoch: 'e', scopes: {} });
    await vi.waitFor(() => expect(happened).toHaveLength(2));
    expect(happened[1]).toMatchObject({ whole: true });
  });

  test('that says nothing for a minute is given up; a heartbeat is something', async () => {
    accept();
    void begin();
    await vi.waitFor(() => expect(wires).toHaveLength(1));
    await vi.advanceTimersByTimeAsync(50_000);
    wires[0]!.beat();
    await vi.advanceTimersByTimeAsync(50_000);
    expect(wires).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(12_000);
    await vi.waitFor(() => expect(wires).toHaveLength(2));
  });

  test('resync opens it again at once', async () => {
    accept();
    void begin();
    await vi.waitFor(() => expect(wires).toHaveLength(1));
    wires[0]!.say('resync', {});
    await vi.waitFor(() => expect(wires).toHaveLength(2));
  });

  test.each(['expired', '401'])('%s refreshes the token first; a session that is over ends it', async (how) => {
    const stale: (string | null)[] = [];
    refresh = (old) => {
      stale.push(old);
      token = 't2';
      return Promise.resolve(stale.length === 1);
    };
    const asked = serve((_, signal) => {
      if (how === '401') return problem(401);
      const wire = new Wire(signal);
      wires.push(wire);
      wire.say('expired', {});
      return wire.response;
    });
    const over = begin();
    await vi.advanceTimersByTimeAsync(5_000);
    await over;
    expect(stale).toEqual(['t1', 't2']);
    expect(asked.map(({ headers }) => headers.get('Authorization'))).toEqual(['Bearer t1', 'Bearer t2']);
  });

  test('without a token asks for one before anything else', async () => {
    token = null;
    refresh = (old) => {
      expect(old).toBeNull();
      token = 't9';
      return Promise.resolve(true);
    };
    const asked = accept();
    void begin();
    await vi.waitFor(() => expect(wires).toHaveLength(1));
    expect(asked[0]!.headers.get('Authorization')).toBe('Bearer t9');
  });

  test.each([
    ['a lost network', offline],
    ['a server in trouble', () => problem(503)],
    ['something that is no stream', () => new Response(null, { status: 204 })],
  ])('%s is tried again, ever more rarely', async (_, answer) => {
    const asked = serve(answer);
    void begin();
    await vi.advanceTimersByTimeAsync(10_000);
    const early = asked.length;
    expect(early).toBeGreaterThan(2);
    await vi.advanceTimersByTimeAsync(120_000);
    expect(asked.length - early).toBeLessThan(8);
    const before = asked.length;
    dispatchEvent(new Event('online'));
    await vi.waitFor(() => expect(asked.length).toBe(before + 1));
  });

  test('ends with the signal', async () => {
    accept();
    const over = begin();
    await vi.waitFor(() => expect(wires).toHaveLength(1));
    ended.abort();
    await over;
    expect(states.at(-1)).toBe(false);
  });
});
