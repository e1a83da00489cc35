/** One entry of a picker. */
export interface Option<V> {
  value: V;
  label: string;
  /** A second, quieter text: a key, an e-mail address. */
  hint?: string;
}

/** Beyond this many entries a picker offers a search field and draws no more than the first matches. */
export const SEARCH_FROM = 9;
const DRAWN = 100;

/** The entries whose label or hint holds every word of the query, in their own order. */
export function matching<V>(options: readonly Option<V>[], query: string): readonly Option<V>[] {
  const words = query.toLocaleLowerCase().split(/\s+/u).filter(Boolean);
  const found: Option<V>[] = [];
  for (const option of options) {
    const text = `${option.label} ${option.hint ?? ''}`.toLocaleLowerCase();
    if (words.every((word) => text.includes(word)) && found.push(option) === DRAWN) break;
  }
  return found;
}
