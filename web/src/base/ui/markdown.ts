/**
 * Markdown of users to HTML that is safe to insert. Loaded lazily with its two libraries.
 *
 * Two walls: raw HTML in the source is shown as the text it is (so that `Option<T>` stays readable), and what
 * marked makes goes through DOMPurify with a list of what may pass.
 */
import DOMPurify from 'dompurify';
import { Marked, type Tokens } from 'marked';

const TAGS = [
  ...['p', 'br', 'hr', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'ul', 'ol', 'li', 'blockquote', 'pre', 'code'],
  ...['em', 'strong', 'del', 'a', 'img', 'table', 'thead', 'tbody', 'tr', 'th', 'td', 'input'],
];
const ATTRIBUTES = ['href', 'title', 'src', 'alt', 'start', 'align', 'type', 'checked', 'disabled'];

function escape(text: string): string {
  return text.replace(/[&<>"']/gu, (c) => `&#${c.charCodeAt(0)};`);
}

/** Pictures of other hosts would tell them who reads what, and the page's policy blocks them: they become links. */
function image({ href, title, text }: Tokens.Image): string {
  const own = href.startsWith('/') && !href.startsWith('//');
  const label = escape(text || href);
  if (!own) return `<a href="${escape(href)}">${label}</a>`;
  return `<img src="${escape(href)}" alt="${label}"${title ? ` title="${escape(title)}"` : ''}>`;
}

const marked = new Marked({
  gfm: true,
  breaks: true,
  async: false,
  renderer: { image, html: ({ text }: Tokens.HTML | Tokens.Tag) => escape(text) },
});

/** The HTML for the source; pure. */
export function render(source: string): string {
  const fragment = DOMPurify.sanitize(marked.parse(source, { async: false }), {
    ALLOWED_TAGS: TAGS,
    ALLOWED_ATTR: ATTRIBUTES,
    ALLOW_DATA_ATTR: false,
    ALLOW_ARIA_ATTR: false,
    RETURN_DOM_FRAGMENT: true,
  });
  for (const link of fragment.querySelectorAll('a')) {
    link.rel = 'noopener noreferrer nofollow';
    if (link.origin !== location.origin) link.target = '_blank';
  }
  for (const box of fragment.querySelectorAll('input')) {
    box.type = 'checkbox';
    box.disabled = true;
  }
  // What scrolls on its own must be reachable by keyboard.
  for (const wide of fragment.querySelectorAll<HTMLElement>('pre, table')) wide.tabIndex = 0;
  const holder = document.createElement('div');
  holder.append(fragment);
  return holder.innerHTML;
}
