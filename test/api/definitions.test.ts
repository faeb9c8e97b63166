import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { conditionTypes, reasons } from '../../src/api/conditions.ts';
import {
  apiVersion,
  approvePlanAnnotation,
  category,
  group,
  kindNames,
  kinds,
  runRequestedAtAnnotation,
  version,
} from '../../src/api/names.ts';
import { loadSchemas, type Schema } from '../../src/api/schema.ts';

interface Definition {
  metadata: { name: string };
  spec: {
    group: string;
    scope: string;
    names: Record<string, unknown>;
    versions: { name: string; additionalPrinterColumns: { name: string; priority?: number }[] }[];
  };
}

function definitionOf(plural: string): Definition {
  return parse(readFileSync(new URL(`../../crds/${plural}.yaml`, import.meta.url), 'utf8')) as Definition;
}

describe.each(kindNames.map((kind) => kinds[kind]))('the definition of $kind', (names) => {
  const definition = definitionOf(names.plural);
  const schema = loadSchemas().get(names.kind) ?? {};

  it('carries the names that the code uses', () => {
    expect(apiVersion).toBe(`${definition.spec.group}/${definition.spec.versions[0]?.name}`);
    expect(definition.metadata.name).toBe(`${names.plural}.${group}`);
    expect(definition.spec).toMatchObject({
      scope: 'Namespaced',
      names: {
        kind: names.kind,
        plural: names.plural,
        singular: names.singular,
        shortNames: [names.shortName],
        categories: [category],
      },
      versions: [{ name: version }],
    });
  });

  it('is a schema', () => {
    const ajv = new Ajv();
    expect(ajv.validateSchema(schema), ajv.errorsText()).toBe(true);
    expect(ajv.validateSchema({ ...schema, type: 'text' })).toBe(false);
  });

  it('describes every field', () => {
    expect(
      fieldsOf(schema).filter(([path, field]) => path !== '.metadata' && field.description === undefined),
    ).toEqual([]);
  });

  it('bounds every string, list and number of a spec', () => {
    const unbounded = fieldsOf(schema).filter(([path, field]) => {
      if (!path.startsWith('.spec')) return false;
      if (field.type === 'string') return field.enum === undefined && !('maxLength' in field);
      if (field.type === 'array')
        return !('maxItems' in field) || field['x-kubernetes-list-type'] === undefined;
      return field.type === 'integer' && !('minimum' in field && 'maximum' in field);
    });
    expect(unbounded).toEqual([]);
  });

  it('has no default inside a list, where it would make server-side apply and Argo CD disagree', () => {
    expect(
      fieldsOf(schema).filter(([path, field]) => path.includes('[]') && field.default !== undefined),
    ).toEqual([]);
  });

  it('starts with a status that kstatus reads as in progress, and has no phase', () => {
    expect(schema.properties?.['status']?.default).toEqual({ observedGeneration: -1 });
    expect(fieldsOf(schema).filter(([path]) => path.endsWith('.phase'))).toEqual([]);
  });

  it('spells its enums in PascalCase, but for the names of encodings and of products', () => {
    const words = fieldsOf(schema).flatMap(([, field]) => field.enum ?? []);
    const spelt = /^([A-Z][a-z]+)+$|^(CSV|LDAP|LDAPS|StartTLS|UTF-8|UTF-16LE|ISO-8859-1|Windows-1252)$/;
    expect(words.filter((word) => !spelt.test(word))).toEqual([]);
  });
});

it('kubectl get reconmappings answers the question people have', () => {
  const columns = definitionOf('reconmappings').spec.versions[0]?.additionalPrinterColumns ?? [];
  expect(columns.filter(({ priority = 0 }) => priority === 0).map(({ name }) => name.toUpperCase())).toEqual(
    'SOURCE TARGET MODE READY REASON IN-SYNC PENDING FAILED LAST-RUN AGE'.split(' '),
  );
});

it.each([runRequestedAtAnnotation, approvePlanAnnotation])(
  'the definitions speak of the annotation %s',
  (key) => {
    const descriptions = fieldsOf(loadSchemas().get('ReconMapping') ?? {}).map(
      ([, field]) => field.description ?? '',
    );
    expect(descriptions.filter((description) => description.includes(key)).length).toBe(1);
  },
);

it('conditions and reasons are words in PascalCase, each with a meaning', () => {
  const meanings = [
    ...Object.entries(reasons),
    ...Object.entries(conditionTypes).map(([type, { meaning }]) => [type, meaning] as const),
  ];
  expect(
    meanings.filter(([word, meaning]) => !/^[A-Z][A-Za-z]+$/.test(word) || !/^[A-Z].*\.$/.test(meaning)),
  ).toEqual([]);
});

function fieldsOf(schema: Schema, path = ''): [string, Schema][] {
  const own: [string, Schema][] = path === '' ? [] : [[path, schema]];
  const items = schema.items === undefined ? [] : fieldsOf(schema.items, `${path}[]`);
  const members = Object.entries(schema.properties ?? {});
  return [...own, ...items, ...members.flatMap(([key, member]) => fieldsOf(member, `${path}.${key}`))];
}
