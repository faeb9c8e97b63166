import { expect, it } from 'vitest';
import { readPage } from '../support/walked-page.ts';
import { fieldsOfKinds, generateReference } from './generate-reference.ts';

it('docs/reference.md is what crds/ says', async () => {
  await expect(await generateReference()).toMatchFileSnapshot('../../docs/reference.md');
});

it('docs/reference.md has a row with a description for every field', async () => {
  const page = readPage('reference');
  const fields = Object.values(await fieldsOfKinds()).flat();
  expect(fields.length).toBeGreaterThan(150);
  for (const { path, schema } of fields.filter((one) => one.path.includes('.'))) {
    expect(page).toContain(`| \`${path}\` `);
    expect(schema.description, path).toMatch(/\w/);
  }
});
