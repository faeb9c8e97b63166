/** The entry that docs/expressions.md shows, its schema, and a way to evaluate an expression on it. */
import type { CompileOptions, Evaluated, Expression } from '../../src/engine/definition.ts';
import type { AttributeSchema, Entry, ObjectSchema, Value } from '../../src/engine/entry.ts';
import { CelExpressions } from '../../src/expressions/cel.ts';

export const NOW = Date.parse('2026-03-01T12:00:00Z');
export const EXPRESSIONS: CelExpressions = new CelExpressions();

function attribute(name: string, more: Partial<AttributeSchema> = {}): [string, AttributeSchema] {
  const plain = { type: 'String', match: 'Exact', values: 'Single' } as const;
  return [name, { name, ...plain, writeOnly: false, sensitive: false, readOnly: false, ...more }];
}

export const SCHEMA: ObjectSchema = {
  id: 'uid',
  idChosenBy: 'Writer',
  name: 'dn',
  ignoreCaseInNames: false,
  attributes: new Map([
    attribute('uid'),
    attribute('dn'),
    attribute('givenName'),
    attribute('sn'),
    attribute('mail'),
    attribute('title'),
    attribute('level', { type: 'Integer' }),
    attribute('active', { type: 'Boolean' }),
    attribute('hired', { type: 'Time' }),
    attribute('photo', { type: 'Binary' }),
    attribute('roles', { values: 'Multi' }),
    attribute('phones', { values: 'Multi' }),
    attribute('ou', { values: 'Either' }),
    attribute('employee-number'),
    attribute('userPassword', { writeOnly: true, sensitive: true }),
  ]),
};

export const SAMPLE: Entry = entry({
  givenName: ['Jörg'],
  sn: ['Müller-Lüdenscheidt'],
  mail: ['Joerg.Mueller@Example.org'],
  level: ['3'],
  active: ['true'],
  hired: ['20240115080000Z'],
  photo: [new Uint8Array([255, 216])],
  roles: ['admin', 'staff', 'admin'],
  ou: ['IT'],
  'employee-number': ['0042'],
});

export function entry(attributes: Readonly<Record<string, readonly Value[]>>, id = '123'): Entry {
  return {
    id,
    name: `uid=${id},ou=people,dc=example,dc=org`,
    attributes: new Map(Object.entries(attributes)),
  };
}

const OPTIONS: CompileOptions = {
  sides: { source: SCHEMA, target: SCHEMA },
  also: ['link', 'changed', 'now', 'mapping', 'secret'],
  mapping: 'default/people',
  secret: (name, key) => (name === 'initial-password' && key === 'value' ? 'Welcome!' : undefined),
  result: 'Values',
};

export function compiled(text: string, options: Partial<CompileOptions> = {}): Expression {
  const result = EXPRESSIONS.compile(text, { ...OPTIONS, ...options });
  if (result.kind === 'Invalid') throw new Error(`${text}: ${result.problem}`);
  return result.expression;
}

export function problemOf(text: string, options: Partial<CompileOptions> = {}): string | undefined {
  const result = EXPRESSIONS.compile(text, { ...OPTIONS, ...options });
  return result.kind === 'Invalid' ? result.problem : undefined;
}

/** The values as text, or the failure. */
export function valueOf(
  text: string,
  source: Entry | undefined = SAMPLE,
  options: Partial<CompileOptions> = {},
): string[] | string {
  return told(compiled(text, options).evaluate({ source, now: NOW }));
}

export function told(result: Evaluated): string[] | string {
  if (result.kind === 'Failed') return `failed: ${result.message}`;
  return result.values.map((value) =>
    typeof value === 'string' ? value : `0x${Buffer.from(value).toString('hex')}`,
  );
}
