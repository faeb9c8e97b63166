import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import {
  compiled,
  entry,
  EXPRESSIONS,
  NOW,
  problemOf,
  SCHEMA,
  told,
  valueOf,
} from '../support/sample-entry.ts';

describe('limits of an expression', () => {
  it.each([
    { what: 'length', text: `'${'x'.repeat(4_095)}'`, problem: 'it is longer than 4096 characters' },
    {
      what: 'nesting',
      text: `${'1+'.repeat(200)}1`,
      problem: 'it is nested deeper than 128',
    },
    {
      what: 'parentheses',
      text: `${'('.repeat(2_000)}1${')'.repeat(2_000)}`,
      problem: /^it is nested deeper than 128|^at /,
    },
    {
      what: 'brackets',
      text: `${'['.repeat(2_000)}1${']'.repeat(2_000)}`,
      problem: /^it is nested deeper than 128|^at /,
    },
    {
      what: 'macros within each other',
      text: '[1].all(a, [1].all(b, [1].all(c, true)))',
      problem: 'more than 2 macros over lists stand within each other',
    },
    {
      what: 'a pattern',
      text: `'x'.matches('${'a'.repeat(1_001)}')`,
      problem: 'a pattern is longer than 1000 characters',
    },
    {
      what: 'a pattern that grows',
      text: "'x'.matches('((a{100}){100}){100}')",
      problem: /cannot be understood/,
    },
  ])('$what', ({ text, problem }) => {
    const told = problemOf(text);
    expect(told ?? 'none').toMatch(problem);
  });

  it('macros may follow each other', () => {
    expect(
      problemOf('source.roles.filter(r, r != "a").map(r, r + "!").filter(r, r != "b").exists(r, true)'),
    ).toBeUndefined();
  });

  it('a hundred texts may be added to each other', () => {
    expect(problemOf(Array.from({ length: 100 }, () => 'source.sn').join('+'))).toBeUndefined();
  });
});

describe('limits of an evaluation', () => {
  const many = (count: number): ReturnType<typeof entry> =>
    entry({ roles: Array.from({ length: count }, (_, at) => `r${at}`), mail: ['x'.repeat(60_000)] });

  it.each([
    {
      what: 'a list',
      text: 'source.roles.exists(r, r == "a")',
      count: 10_001,
      fails: 'a list of 10001 elements is longer than 10000',
    },
    {
      what: 'work of macros',
      text: 'source.roles.all(a, source.roles.all(b, true))',
      count: 1_001,
      fails: 'more than 1000000 elements are visited',
    },
    {
      what: 'work of in',
      text: 'source.roles.all(a, a in source.roles)',
      count: 1_001,
      fails: 'more than 1000000 elements are visited',
    },
    {
      what: 'a text that grows',
      text: 'source.mail + source.mail',
      count: 1,
      fails: 'a text would be longer than 65536 characters',
    },
    {
      what: 'a text by replace',
      text: 'source.mail.replace("x", "yy")',
      count: 1,
      fails: 'a text would be longer than 65536 characters',
    },
    {
      what: 'a text by join',
      text: 'source.roles.join("xxxxxxxxxx")',
      count: 9_000,
      fails: 'a text would be longer than 65536 characters',
    },
    {
      what: 'a list by split',
      text: 'source.mail.split("")',
      count: 1,
      fails: 'a list of 60000 elements is longer than 10000',
    },
    {
      what: 'a list by adding',
      text: 'source.roles + source.roles',
      count: 6_000,
      fails: 'a list of 12000 elements is longer than 10000',
    },
    {
      what: 'a list as result',
      text: 'source.roles',
      count: 10_001,
      fails: 'a list of 10001 elements is longer than 10000',
    },
    {
      what: 'a text that doubles in a chain',
      text: `['xxxxxxxx']${'.map(y, y + y)'.repeat(20)}`,
      count: 1,
      fails: 'a text would be longer than 65536 characters',
    },
  ])('$what', ({ text, count, fails }) => {
    expect(valueOf(text, many(count))).toBe(`failed: ${fails}`);
  });

  it('work is counted anew for every evaluation', () => {
    const expression = compiled('source.roles.all(a, source.roles.all(b, true))');
    const source = many(900);
    for (const _ of [1, 2, 3]) expect(told(expression.evaluate({ source, now: NOW }))).toEqual(['true']);
  });

  it.each(['^(a+)+$', '(a|aa)+$', '(.*a){20}', '^(([a-z])+.)+[A-Z]([a-z])+$'])(
    'the pattern %s takes a time that grows with the text',
    (pattern) => {
      const source = entry({ mail: [`${'a'.repeat(30_000)}!`], title: [pattern] });
      const started = performance.now();
      expect(valueOf('source.mail.matches(source.title)', source)).toHaveLength(1);
      expect(performance.now() - started).toBeLessThan(2_000);
    },
  );
});

const FRAGMENTS =
  'source target entry link now mapping changed secret mail roles level active hired photo dn .escape . ( ) [ ] { } , : ? + - * / % == != < > <= && || ! in has map filter all exists lower upper ascii join split replace matches extract substring size string int double bool bytes timestamp duration coalesce distinct null true 1 2u 3.5 "a" \'b\' b"c" r"d" x y @ \\ \u0000 ü'.split(
    ' ',
  );

describe('whatever is written', () => {
  const anything = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 200 }),
    fc.array(fc.constantFrom(...FRAGMENTS), { maxLength: 40 }).map((parts) => parts.join('')),
    fc.array(fc.constantFrom(...FRAGMENTS), { maxLength: 40 }).map((parts) => parts.join(' ')),
  );

  it('compile answers, and never throws', { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(anything, fc.constantFrom('Values' as const, 'Condition' as const), (text, result) => {
        const sides = { source: SCHEMA, target: undefined };
        const also = ['now', 'secret', 'link', 'changed', 'mapping'] as const;
        const compiled = EXPRESSIONS.compile(text, { sides, also, mapping: 'm', secret: () => 's', result });
        if (compiled.kind === 'Invalid') expect(compiled.problem).not.toBe('');
        else expect(['Values', 'Failed']).toContain(compiled.expression.evaluate({ now: 0 }).kind);
      }),
      { numRuns: 3_000 },
    );
  });
});

/** Expressions that fail on most values, in as many ways as there are. */
const FAILING = [
  'int(source.mail)',
  'double(source.mail)',
  'bool(source.mail)',
  'timestamp(source.mail)',
  'duration(source.mail) == duration("1s")',
  'source.level',
  'source.active',
  'source.hired',
  'source.ou',
  'source.roles[int(source.mail)]',
  "{'a': 1}[source.mail]",
  'source.mail.substring(99999)',
  'source.mail.matches(source.mail)',
  'source.mail.extract(source.mail, 5)',
  'source.mail.ascii(source.mail)',
  'source.mail.format([source.roles])',
  "'%d'.format([source.mail])",
  'source.hired.getHours(source.mail)',
  'string(b"\\xff")',
  'source.mail + source.title + source.sn',
  '[source.roles]',
  '{source.mail: 1, source.mail: 2}.size()',
  'source.roles.map(r, int(r))',
  'source.mail.charAt(99999)',
];

describe('no message shows a value of the entry', () => {
  it.each(FAILING)('%s', (text) => {
    const expression = compiled(text, { sides: { source: SCHEMA } });
    // Long enough not to stand in a message by chance.
    const value = fc.string({ unit: 'grapheme', minLength: 8, maxLength: 40 });
    fc.assert(
      fc.property(value, value, (one, other) => {
        const values = [one, other];
        const single = { mail: [one], level: [one], active: [one], hired: [one], title: [one] };
        const result = expression.evaluate({
          source: entry({ ...single, roles: values, ou: values }),
          now: NOW,
        });
        if (result.kind !== 'Failed') return;
        for (const shown of values) expect(result.message).not.toContain(shown);
      }),
      { numRuns: 100 },
    );
  });
});
