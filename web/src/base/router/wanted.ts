/**
 * Where somebody wanted to go who came to a sign-in page: `next` is ours, the server's ways back call it `then`, after
 * a second factor behind the #. Null for what is no page of this app.
 */
export function wanted(search: URLSearchParams, hash = ''): string | null {
  const behind = new URLSearchParams(hash.replace(/^#/u, ''));
  const place = search.get('next') ?? search.get('then') ?? behind.get('then');
  return place && /^\/(?![/\\])/u.test(place) ? place : null;
}
