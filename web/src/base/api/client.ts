import type { Client } from 'openapi-fetch';
import { Problem } from './problem';
import type { paths } from './schema';
import type { Session } from './session';

/** The calls as the API's description types them. Of their options there are params, body, signal and parseAs. */
export type Api = Pick<Client<paths>, Method>;

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;
type Method = (typeof METHODS)[number];

interface Options {
  params?: {
    path?: Record<string, string | number>;
    query?: Record<string, unknown>;
    header?: Record<string, string | undefined>;
  };
  body?: unknown;
  signal?: AbortSignal;
  /** JSON where it says nothing. */
  parseAs?: 'text' | 'blob';
}

/**
 * Sends with the bearer token. A 401 refreshes and sends once more, never twice. After a reload there is a person
 * and no token yet: that is refreshed first, instead of asking in vain.
 */
export function bearerFetch(session: Session): (request: Request) => Promise<Response> {
  return async (request) => {
    if (session.me && !session.token && !request.url.includes('/api/auth/')) await session.refresh(null);
    const token = session.token;
    const again = request.clone();
    const response = await fetch(withToken(request, token));
    if (response.status !== 401 || request.url.includes('/api/auth/')) return response;
    if (!(await session.refresh(token))) return response;
    return fetch(withToken(again, session.token));
  };
}

function withToken(request: Request, token: string | null): Request {
  if (token) request.headers.set('Authorization', `Bearer ${token}`);
  return request;
}

/**
 * The typed API. Calls answer {data} or {error, response}; {@link ok} turns the latter into a Problem. The types are
 * openapi-fetch's; its code has much that no call needs, and every page would load it.
 */
export function createApi(session: Session): Api {
  const send = bearerFetch(session);
  const calls = METHODS.map((method) => {
    const call = async (path: string, options?: Options) => {
      const response = await send(request(method, path, options));
      const as = options?.parseAs;
      return as && response.ok ? { data: await response[as](), response } : answer(response);
    };
    return [method, call] as const;
  });
  return Object.fromEntries(calls) as unknown as Api;
}

function request(method: Method, path: string, { params = {}, body, signal }: Options = {}): Request {
  const { path: parts = {}, query = {}, header = {} } = params;
  const filled = path.replace(/\{(\w+)\}/gu, (_, name: string) => encodeURIComponent(String(parts[name])));
  const url = new URL(filled, location.origin);
  for (const [name, value] of Object.entries(query)) {
    for (const one of [value].flat()) if (one != null) url.searchParams.append(name, String(one));
  }
  const headers = new Headers();
  for (const [name, value] of Object.entries(header)) if (value !== undefined) headers.set(name, value);
  if (body !== undefined) headers.set('Content-Type', 'application/json');
  return new Request(url, {
    method,
    headers,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(signal ? { signal } : {}),
  });
}

async function answer(response: Response): Promise<Answer<unknown>> {
  const text = await response.text();
  if (response.ok) return { data: text ? (JSON.parse(text) as unknown) : undefined, response };
  try {
    return { error: JSON.parse(text) as unknown, response };
  } catch {
    return { error: text, response }; // a proxy's page
  }
}

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The data of an answer. Throws Problem for every status that is not 2xx. */
export async function ok<T>(call: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await call;
  if (!response.ok) throw Problem.of(response, error);
  return data as T;
}
