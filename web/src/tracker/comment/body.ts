/** What is written in a comment. */
export const BODY_MAX = 50_000;

/** The beginning of a comment, in one line. */
export function excerpt(body: string): string {
  const line = body.slice(0, 400).replace(/\s+/gu, ' ').trim();
  return line.length > 80 ? `${line.slice(0, 80).trimEnd()}…` : line;
}
