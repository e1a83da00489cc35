import createClient, { type Client } from 'openapi-fetch';
import { Problem } from './problem';
import type { paths } from './schema';
import type { Session } from './session';

export type Api = Client<paths>;

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

/** The typed API. Calls answer {data} or {error, response}; {@link ok} turns the latter into a Problem. */
export function createApi(session: Session): Api {
  return createClient<paths>({
    baseUrl: location.origin,
    fetch: bearerFetch(session),
  });
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
