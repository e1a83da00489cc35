/**
 * The code of a link from a mail: #code=… It is not sent to any server with the address, and taken out of it, so that
 * neither the history nor a shared screen keeps it.
 */
export function linkCode(): string {
  const code = new URLSearchParams(location.hash.replace(/^#/u, '')).get('code') ?? '';
  if (location.hash) history.replaceState(null, '', location.pathname + location.search);
  return code;
}
