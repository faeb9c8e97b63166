/**
 * A corpus of manifests that are valid, and of manifests that are not: each of these says in its first two lines
 * where it is wrong and what the message contains. A real API server has to agree with every one of them.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { isKind, type Kind } from '../../src/api/names.ts';
import { formatPath } from '../../src/api/problem.ts';
import { loadSchemas, type Schema } from '../../src/api/schema.ts';
import { loadContract, validateObject, type Validated } from '../../src/api/validation.ts';

const contract = loadContract();

function manifests(folder: 'valid' | 'invalid'): { name: string; text: string }[] {
  const url = new URL(`corpus/${folder}/`, import.meta.url);
  return readdirSync(url).map((file) => ({
    name: file.replace(/\.yaml$/, '').replaceAll('-', ' '),
    text: readFileSync(new URL(file, url), 'utf8'),
  }));
}

function validate(text: string): Validated<Kind> {
  const object = parse(text) as { kind: unknown };
  if (!isKind(object.kind)) throw new Error(`no kind of ours: ${String(object.kind)}`);
  return validateObject(contract, object.kind, object);
}

const invalid = manifests('invalid').map(({ name, text }) => ({
  name,
  text,
  path: /^# path: ?(.*)$/m.exec(text)?.[1] ?? '',
  message: /^# message: (.*)$/m.exec(text)?.[1] ?? 'the second line says what the message contains',
}));

it.each(manifests('valid'))('$name: accepted', ({ text }) => {
  const validated = validate(text);
  expect(validated.ok ? [] : validated.problems).toEqual([]);
});

it.each(invalid)('$name: refused at "$path", because "$message"', ({ text, path, message }) => {
  const validated = validate(text);
  const problems = validated.ok ? [] : validated.problems;
  const found = problems.map((problem) => ({ path: formatPath(problem.path), message: problem.message }));
  expect(found).toEqual([{ path, message: expect.stringContaining(message) as string }]);
});

it('no message shows the password that somebody put where it does not belong', () => {
  const all = invalid.map(({ text }) => JSON.stringify(validate(text)));
  expect(all.filter((text) => text.includes('swordfish'))).toEqual([]);
});

it('every rule of the definitions is broken by a manifest of the corpus, except those about a change', () => {
  const broken = new Set(
    invalid.flatMap(({ text }) => {
      const validated = validate(text);
      return validated.ok ? [] : validated.problems.map((problem) => problem.rule);
    }),
  );
  const rules = [...loadSchemas().values()].flatMap(rulesOf).filter((rule) => !rule.includes('oldSelf'));
  expect(rules.length).toBeGreaterThan(40);
  expect(rules.filter((rule) => !broken.has(rule))).toEqual([]);
});

function rulesOf(schema: Schema): string[] {
  const below = [schema.items, ...Object.values(schema.properties ?? {})];
  const own = (schema['x-kubernetes-validations'] ?? []).map(({ rule }) => rule);
  return [...own, ...below.flatMap((member) => (member === undefined ? [] : rulesOf(member)))];
}
