import { describe, expect, test } from 'vitest';
import { SseParser, type SseEvent } from './sse';

const parse = (...pieces: string[]): SseEvent[] => {
  const parser = new SseParser();
  return pieces.flatMap((piece) => parser.push(piece));
};

describe('SseParser', () => {
  test.each([
    ['line feeds', 'event: heads\ndata: {"a":1}\n\n'],
    ['carriage returns', 'event: heads\rdata: {"a":1}\r\r'],
    ['both', 'event: heads\r\ndata: {"a":1}\r\n\r\n'],
    ['no space after the colon', 'event:heads\ndata:{"a":1}\n\n'],
    ['a byte order mark', '\uFEFFevent: heads\ndata: {"a":1}\n\n'],
    [
      'comments, ids and unknown fields between',
      ':\n\nid: 4\nevent: heads\nretry: 9\nmoon: x\n: hi\ndata: {"a":1}\n\n',
    ],
  ])('takes %s', (_, text) => {
    expect(parse(text)).toEqual([{ event: 'heads', data: '{"a":1}' }]);
  });

  test('an event without a name is a message, several data lines are one', () => {
    expect(parse('data: a\ndata:  b\ndata\n\n')).toEqual([{ event: 'message', data: 'a\n b\n' }]);
  });

  test('gives nothing for what is not complete, or has no data', () => {
    expect(parse('event: change\ndata: {"a":')).toEqual([]);
    expect(parse('event: change\n\ndata: x\n\n')).toEqual([{ event: 'message', data: 'x' }]);
    expect(parse('', '')).toEqual([]);
  });

  test('however it is cut, the events are the same', () => {
    const text =
      '\uFEFF:\r\n\r\nevent: heads\r\ndata: {"é":"ü\u2028"}\r\n\r\nevent: change\ndata: 1\ndata: 2\n\n:\n\n' +
      'event: purge\rdata: {}\r\rdata: last\r\n\r\n';
    const whole = parse(text);
    expect(whole.map(({ event }) => event)).toEqual(['heads', 'change', 'purge', 'message']);
    for (let cut = 0; cut <= text.length; cut++) expect(parse(text.slice(0, cut), text.slice(cut))).toEqual(whole);
    expect(parse(...text)).toEqual(whole);
  });

  test('takes anything without throwing', () => {
    let state = 12345;
    const next = (n: number) => (state = (Math.imul(state, 1103515245) + 12345) >>> 0) % n;
    const bits = ['\n', '\r', '\r\n', ':', 'data', 'event', ' ', '{}', '\u0000', '\uFEFF', 'x'.repeat(50)];
    for (let run = 0; run < 300; run++) {
      const pieces = Array.from({ length: next(30) }, () => bits[next(bits.length)]!);
      const events = parse(...pieces);
      expect(events).toEqual(parse(pieces.join('')));
    }
  });
});
