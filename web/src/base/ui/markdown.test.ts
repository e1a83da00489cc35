import { describe, expect, it } from 'vitest';
import { render } from './markdown';

const CORPUS = [
  '<script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  '<svg onload=alert(1)>',
  '<svg><script>alert(1)</script></svg>',
  '<iframe src="javascript:alert(1)"></iframe>',
  '<a href="javascript:alert(1)">x</a>',
  '[x](javascript:alert(1))',
  '[x](JaVaScRiPt:alert(1))',
  '[x](java\tscript:alert(1))',
  '[x](&#106;avascript:alert(1))',
  '[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)',
  '[x](vbscript:msgbox(1))',
  '![x](javascript:alert(1))',
  '![x](x"onerror="alert(1))',
  '![x"onerror="alert(1)](/a.png)',
  '![x](/a.png "t\\" onerror=\\"alert(1)")',
  '[x](/a "t\\" onmouseover=\\"alert(1)")',
  '<style>*{background:url(javascript:alert(1))}</style>',
  '<p style="background:url(javascript:alert(1))">x</p>',
  '<math><mi xlink:href="javascript:alert(1)">x</mi></math>',
  '<form action="javascript:alert(1)"><button>x</button></form>',
  '<base href="https://elsewhere.example/">',
  '<meta http-equiv="refresh" content="0;url=javascript:alert(1)">',
  '<details open ontoggle=alert(1)>',
  '<input autofocus onfocus=alert(1)>',
  '<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
  '```html\n<script>alert(1)</script>\n```',
  '`<img src=x onerror=alert(1)>`',
  '| <script>alert(1)</script> |\n|-|\n| <img src=x onerror=alert(1)> |',
  '<javascript:alert(1)>',
  '"><script>alert(1)</script>',
  '{{constructor.constructor("alert(1)")()}}',
];

function rendered(source: string): HTMLElement {
  const holder = document.createElement('div');
  holder.innerHTML = render(source);
  return holder;
}

describe('markdown', () => {
  it.each(CORPUS)('makes %s inert', (source) => {
    const holder = rendered(source);
    expect(holder.querySelectorAll('script, style, iframe, svg, math, form, base, meta, details, object').length).toBe(
      0,
    );
    for (const element of holder.querySelectorAll('*')) {
      for (const { name, value } of element.attributes) {
        expect(name).not.toMatch(/^on|^style$/u);
        expect(value).not.toMatch(/^\s*(javascript|vbscript|data):/iu);
      }
    }
  });

  it('shows raw HTML as the text it is', () => {
    expect(rendered('Option<T> and <b>bold</b>').textContent.trim()).toBe('Option<T> and <b>bold</b>');
  });

  it('turns pictures of other hosts into links and keeps own ones', () => {
    const holder = rendered('![chart](https://elsewhere.example/c.png) ![own](/files/1.png)');
    expect(holder.querySelector('a')?.getAttribute('href')).toBe('https://elsewhere.example/c.png');
    expect([...holder.querySelectorAll('img')].map((image) => image.getAttribute('src'))).toEqual(['/files/1.png']);
  });

  it('opens links to other places apart and without a way back', () => {
    const link = rendered('[x](https://elsewhere.example/)').querySelector('a');
    expect(link?.target).toBe('_blank');
    expect(link?.rel).toContain('noopener');
  });

  it('renders lists, tables and code', () => {
    const holder = rendered('- [x] done\n- two\n\n| a |\n|-|\n| 1 |\n\n```\nx < 1\n```');
    expect(holder.querySelector<HTMLInputElement>('li input')?.disabled).toBe(true);
    expect(holder.querySelector('td')?.textContent).toBe('1');
    expect(holder.querySelector('pre')?.textContent).toContain('x < 1');
    expect(holder.querySelector('pre')?.tabIndex).toBe(0);
  });
});
