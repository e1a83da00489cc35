/** What the server finds, and what is marked of it. */
import { ok, type Api } from '../../base/api';
import { fold } from '../issue/parts';

/** A part of a text; marked where it is what was looked for. Never markup. */
export interface Segment {
  readonly text: string;
  readonly marked: boolean;
}

export interface Hit {
  readonly kind: 'issue' | 'comment';
  readonly issueId: string;
  readonly commentId: string | null;
  readonly projectId: string;
  readonly key: string;
  readonly statusId: string;
  /** The query is the issue's key, here or where it was imported from. */
  readonly named: boolean;
  readonly title: readonly Segment[];
  /** Empty where only the title matches. */
  readonly text: readonly Segment[];
  readonly authorId: string;
  readonly updatedAt: string;
}

export interface Answer {
  items: readonly Hit[];
  nextCursor: string | null;
  /** How many there are on all pages. */
  found: number;
  /** There are older ones, which were not looked at. */
  more: boolean;
}

/** Throws Problem. */
export function ask(api: Api, q: string, limit: number, cursor: string | null, signal?: AbortSignal): Promise<Answer> {
  const query = { q, limit, ...(cursor && { cursor }) };
  return ok(api.GET('/api/search', { params: { query }, ...(signal && { signal }) }));
}

export function hrefOf({ key, commentId }: Pick<Hit, 'key' | 'commentId'>): string {
  return commentId ? `/issues/${key}#comment-${commentId}` : `/issues/${key}`;
}

const INSIDE = /[\p{L}\p{M}\p{N}]/u;
/** Scripts that are written without spaces: each character is a word, to the server too. */
const ALONE =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;

function parts(letter: string): boolean {
  return !INSIDE.test(letter) || ALONE.test(letter);
}

/** Marks words in a text that is held here, where they begin, as the server does in others. The words are folded. */
export function mark(text: string, words: readonly string[]): Segment[] {
  // Folding changes lengths, so each character's own folded form says where it went.
  const letters = Array.from(text);
  const folded = letters.map(fold);
  const places = folded.flatMap((form, at) => Array.from(form, () => at));
  const plain = Array.from(folded.join(''));
  const begins = plain.map((letter, at) => at === 0 || parts(letter) || parts(plain[at - 1]!));
  const marked = new Set<number>();
  for (const word of words.map((word) => Array.from(word))) {
    for (let at = 0; at + word.length <= plain.length; at++) {
      if (begins[at] && word.every((letter, i) => plain[at + i] === letter))
        word.forEach((_, i) => marked.add(places[at + i]!));
    }
  }
  const segments: Segment[] = [];
  for (const [at, letter] of letters.entries()) {
    const last = segments.at(-1);
    const is = marked.has(at);
    if (last?.marked === is) segments[segments.length - 1] = { text: last.text + letter, marked: is };
    else segments.push({ text: letter, marked: is });
  }
  return segments;
}
