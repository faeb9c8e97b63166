import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { applyDefaults } from '../../src/api/defaults.ts';
import { findDuplicates } from '../../src/api/lists.ts';
import { isKind, kindNames } from '../../src/api/names.ts';
import { formatPath, printableValue, type PathKey } from '../../src/api/problem.ts';
import { compileRules } from '../../src/api/rules.ts';
import { isRecord, type Schema } from '../../src/api/schema.ts';
import { compileShape } from '../../src/api/shape.ts';
import { loadContract, validateObject } from '../../src/api/validation.ts';
import { nearestName } from '../../src/lib/nearest-name.ts';

const contract = loadContract();

describe('defaults, as the API server gives them', () => {
  const schema: Schema = {
    type: 'object',
    properties: {
      mode: { type: 'string', default: 'Observe' },
      nothing: { type: 'string', nullable: true, default: 'something' },
      limits: { type: 'object', default: {}, properties: { count: { type: 'integer', default: 8 } } },
      outer: { type: 'object', properties: { inner: { type: 'boolean', default: false } } },
      list: {
        type: 'array',
        items: { type: 'object', properties: { name: { type: 'string', default: 'x' } } },
      },
    },
  };

  it.each([
    {
      when: 'a field is absent',
      value: {},
      gets: { mode: 'Observe', nothing: 'something', limits: { count: 8 } },
    },
    {
      when: 'a field is given',
      value: { mode: 'Enforce', nothing: 'a', limits: { count: 1 } },
      gets: { mode: 'Enforce', nothing: 'a', limits: { count: 1 } },
    },
    {
      when: 'a null stands where none may',
      value: { mode: null },
      gets: { mode: 'Observe', nothing: 'something', limits: { count: 8 } },
    },
    {
      when: 'a null stands where one may',
      value: { nothing: null },
      gets: { mode: 'Observe', nothing: null, limits: { count: 8 } },
    },
    {
      when: 'what is around a field is absent',
      value: {},
      gets: { mode: 'Observe', nothing: 'something', limits: { count: 8 } },
    },
    {
      when: 'what is around a field is given',
      value: { outer: {} },
      gets: { mode: 'Observe', nothing: 'something', limits: { count: 8 }, outer: { inner: false } },
    },
    {
      when: 'items lack it',
      value: { list: [{}, { name: 'y' }] },
      gets: {
        mode: 'Observe',
        nothing: 'something',
        limits: { count: 8 },
        list: [{ name: 'x' }, { name: 'y' }],
      },
    },
  ])('when $when', ({ value, gets }) => {
    expect(applyDefaults(value, schema)).toEqual(gets);
  });

  it('never touch the value that was given, and never share what they give', () => {
    const given = Object.freeze({});
    const first = applyDefaults(given, schema);
    expect(first).not.toBe(given);
    expect(applyDefaults(given, schema)).toEqual(first);
    expect(isRecord(first) && first['limits']).not.toBe(schema.properties?.['limits']?.default);
  });
});

describe('the shape', () => {
  const check = compileShape({
    type: 'object',
    properties: {
      port: { 'x-kubernetes-int-or-string': true, description: 'Number or name.' },
      note: { type: 'string', nullable: true },
      when: { type: 'string', format: 'date-time' },
      labels: { type: 'object', additionalProperties: { type: 'string' } },
    },
  });

  it.each([
    { value: { port: 80 }, problems: [] },
    { value: { port: 'http' }, problems: [] },
    { value: { port: true }, problems: ['port: must be an integer or a string'] },
    { value: { note: null }, problems: [] },
    { value: { labels: { any: 'thing' } }, problems: [] },
    {
      value: { labels: { any: 1 } },
      problems: ['labels.any: must be a string, not a number; put it in quotes'],
    },
    { value: { when: null }, problems: ['when: must be a string, not null: remove it, or give it a value'] },
    { value: { when: 'yesterday' }, problems: ['when: is not a valid date-time'] },
    { value: { when: '2026-01-01T00:00:00Z' }, problems: [] },
    { value: [], problems: [': must be a map of fields, not a list'] },
    { value: { 'a b': 1 }, problems: ['["a b"]: is not a field; there are port, note, when, labels'] },
  ])('$value: $problems', ({ value, problems }) => {
    expect(check(value).map(({ path, message }) => `${formatPath(path)}: ${message}`)).toEqual(problems);
  });
});

describe('rules', () => {
  const schema: Schema = {
    type: 'object',
    properties: {
      count: {
        type: 'integer',
        'x-kubernetes-validations': [{ rule: 'self % 2 == 0', message: 'must be even' }],
      },
      share: {
        type: 'number',
        'x-kubernetes-validations': [{ rule: 'self < 1.0', message: 'must be a part' }],
      },
      port: {
        'x-kubernetes-int-or-string': true,
        'x-kubernetes-validations': [{ rule: 'type(self) == int || self.size() > 1' }],
      },
      fixed: { type: 'string', 'x-kubernetes-validations': [{ rule: 'self == oldSelf' }] },
      broken: {
        type: 'string',
        'x-kubernetes-validations': [{ rule: "duration(self) > duration('1s')", message: 'longer' }],
      },
      open: { type: 'object', properties: {}, 'x-kubernetes-validations': [{ rule: '!has(self.unknown)' }] },
    },
  };
  const check = compileRules(schema);

  it.each([
    { when: 'the field is absent', value: {}, problems: [] },
    { when: 'the field is null', value: { count: null }, problems: [] },
    { when: 'it holds', value: { count: 2, share: 0.5, port: 80 }, problems: [] },
    { when: 'it does not', value: { count: 3 }, problems: ['count: must be even 3'] },
    { when: 'a number is whole', value: { share: 0 }, problems: [] },
    {
      when: 'it asks for the type of int-or-string',
      value: { port: 'x' },
      problems: ['port: breaks the rule type(self) == int || self.size() > 1 "x"'],
    },
    { when: 'it is about a change', value: { fixed: 'x' }, problems: [] },
    { when: 'a field is unknown: it would have been pruned', value: { open: { unknown: 1 } }, problems: [] },
  ])('when $when', ({ value, problems }) => {
    expect(check(value, []).map((each) => `${formatPath(each.path)}: ${each.message} ${each.value}`)).toEqual(
      problems,
    );
  });

  it('a rule that fails is broken, and says why', () => {
    expect(check({ broken: 'x' }, [])[0]?.message).toMatch(/^longer \(.+\)$/);
  });

  it('are not asked of a value that is wrong already', () => {
    const found = [{ path: ['count'], rule: 'type', message: '', value: undefined }];
    expect(check({ count: 3 }, found)).toEqual([]);
  });
});

it.each([
  { list: [{ name: 'a' }, { name: 'b' }], type: 'map', problems: [] },
  { list: [{ name: 'a' }, { name: 'a' }], type: 'map', problems: ['[1].name'] },
  { list: [{}, {}, 'x', 'x'], type: 'map', problems: [] },
  { list: ['a', 'a', 'b', 'a'], type: 'set', problems: ['[1]', '[3]'] },
  { list: ['a', 'a'], type: 'atomic', problems: [] },
] as const)('a $type list $list has duplicates at $problems', ({ list, type, problems }) => {
  const schema: Schema = {
    type: 'array',
    'x-kubernetes-list-type': type,
    'x-kubernetes-list-map-keys': ['name'],
  };
  expect(findDuplicates(list, schema).map(({ path }) => formatPath(path))).toEqual(problems);
});

it.each([
  { path: ['spec', 'mode'], value: 'DryRun', shown: '"DryRun"', because: 'it is a short word' },
  { path: ['spec', 'a'], value: 5, shown: '5', because: 'it is a number' },
  { path: ['spec', 'a'], value: 'x'.repeat(100), shown: undefined, because: 'it is long' },
  { path: ['spec', 'a'], value: {}, shown: undefined, because: 'it is not a scalar' },
  {
    path: ['spec', 'attributes', 0, 'value'],
    value: 'x',
    shown: undefined,
    because: 'it may be an initial password',
  },
  { path: ['spec', 'ldap', 'bind', 'x'], value: 'x', shown: undefined, because: 'it is near credentials' },
])('a value at $path is shown as $shown, because $because', ({ path, value, shown }) => {
  expect(printableValue(path, value)).toBe(shown);
});

it.each([
  { name: 'delimitr', nearest: 'delimiter' },
  { name: 'Filter', nearest: 'filter' },
  { name: 'zzz', nearest: undefined },
  { name: '', nearest: undefined },
])('somebody who wrote "$name" meant $nearest', ({ name, nearest }) => {
  expect(nearestName(name, ['delimiter', 'filter', 'quote'])).toBe(nearest);
});

describe('mutated manifests', () => {
  const url = new URL('corpus/valid/', import.meta.url);
  const manifests = readdirSync(url).map(
    (file) => parse(readFileSync(new URL(file, url), 'utf8')) as unknown,
  );
  const anything = fc.oneof(
    fc.anything({ maxDepth: 2, withNullPrototype: true }),
    fc.constantFrom('', '__proto__', null, -1, 1e300, Number.NaN, [], {}, [null]),
  );

  it('are accepted or refused, and never make validation throw', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...manifests),
        fc.nat(),
        anything,
        fc.string(),
        (manifest, place, value, key) => {
          const places = placesIn(manifest);
          const mutated = replaceAt(manifest, places[place % places.length] ?? [], value, key);
          const named = isRecord(mutated) ? mutated['kind'] : undefined;
          const validated = validateObject(
            contract,
            isKind(named) ? named : (kindNames[0] ?? 'ManagedSystem'),
            mutated,
          );
          if (!validated.ok) expect(validated.problems.length).toBeGreaterThan(0);
        },
      ),
      { numRuns: 3000 },
    );
  });

  it('are refused for an unknown field wherever it is put, but not below metadata', () => {
    for (const manifest of manifests) {
      for (const path of placesIn(manifest).filter(([first]) => first !== 'metadata')) {
        const mutated = replaceAt(manifest, [...path, 'xyzzy'], 1, '');
        if (
          !isRecord(mutated) ||
          !isKind(mutated['kind']) ||
          JSON.stringify(mutated) === JSON.stringify(manifest)
        )
          continue;
        const validated = validateObject(contract, mutated['kind'], mutated);
        expect(validated.ok ? [] : validated.problems.map(({ rule }) => rule)).toContain('unknownField');
      }
    }
  });
});

function placesIn(value: unknown): PathKey[][] {
  const entries: [PathKey, unknown][] = Array.isArray(value)
    ? [...value.entries()]
    : isRecord(value)
      ? Object.entries(value)
      : [];
  return [[], ...entries.flatMap(([key, member]) => placesIn(member).map((path) => [key, ...path]))];
}

/** The manifest with another value at the path, or with another member below it where the path leads into a map. */
function replaceAt(manifest: unknown, path: readonly PathKey[], value: unknown, extraKey: string): unknown {
  const [key, ...rest] = path;
  if (key === undefined)
    return extraKey !== '' && isRecord(manifest) ? { ...manifest, [extraKey]: value } : value;
  if (Array.isArray(manifest)) {
    return manifest.map((item: unknown, index) =>
      index === key ? replaceAt(item, rest, value, extraKey) : item,
    );
  }
  return isRecord(manifest)
    ? { ...manifest, [key]: replaceAt(manifest[key], rest, value, extraKey) }
    : manifest;
}
