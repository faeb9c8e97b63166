import { expect, it } from 'vitest';

import { parseDuration } from '../../src/lib/duration.ts';

it.each([
  { text: '15m', milliseconds: 900_000 },
  { text: '1h30m', milliseconds: 5_400_000 },
  { text: '500ms', milliseconds: 500 },
  { text: '1m500ms', milliseconds: 60_500 },
  { text: '1.5h', milliseconds: 5_400_000 },
  { text: '0s', milliseconds: 0 },
  { text: '720h', milliseconds: 2_592_000_000 },
  { text: '1h1h', milliseconds: 7_200_000 },
])('$text is $milliseconds ms', ({ text, milliseconds }) => {
  expect(parseDuration(text)).toBe(milliseconds);
});

it.each(['', '15', 'm', '1d', '-1h', '1 h', '1h ', '1.h', '.5h', '1H', '1e3s', '٣s'])(
  '%j is no duration',
  (text) => {
    expect(parseDuration(text)).toBeUndefined();
  },
);
