/**
 * The network edge in tests: a fetch that answers from a list of handlers and remembers what it was asked. Everything
 * behind it is the real thing.
 */
import { vi } from 'vitest';

export interface Asked {
  method: string;
  path: string;
  headers: Headers;
  body: unknown;
}

export type Handler = (asked: Asked, signal: AbortSignal) => Response | Promise<Response>;

/** Puts a fetch in place until the test ends; returns what it was asked. */
export function serve(handler: Handler): Asked[] {
  const asked: Asked[] = [];
  vi.stubGlobal('fetch', async (input: Request | string, init?: RequestInit) => {
    const url = typeof input === 'string' ? new URL(input, location.origin).href : input;
    const request = new Request(url, { ...init, ...(typeof input === 'string' ? {} : { signal: input.signal }) });
    const text = request.method === 'GET' ? '' : await request.clone().text();
    const { pathname, search } = new URL(request.url);
    const entry = {
      method: request.method,
      path: pathname + search,
      headers: request.headers,
      body: text ? (JSON.parse(text) as unknown) : undefined,
    };
    asked.push(entry);
    return handler(entry, request.signal);
  });
  return asked;
}

export function json(body: unknown, status = 200, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), { status, headers: { 'Content-Type': 'application/json', ...headers } });
}

export function problem(
  status: number,
  body: Record<string, unknown> = {},
  headers: Record<string, string> = {},
): Response {
  return json({ status, title: `HTTP ${status}`, detail: '', ...body }, status, headers);
}

/** fetch throws this when nothing arrives. */
export function offline(): never {
  throw new TypeError('Failed to fetch');
}

/** A promise and its ends, for tests that decide when something happens. */
export function gate<T = void>(): { open: (value: T) => void; wait: Promise<T> } {
  let open!: (value: T) => void;
  const wait = new Promise<T>((resolve) => (open = resolve));
  return { open, wait };
}
