import { expect, it } from 'vitest';
import { generated, generateSchemaTexts, generateTypes, SCHEMA_TEXTS } from './generate-types.ts';

it.each(generated)('the types in $types are what $crd says', async ({ crd, types }) => {
  await expect(await generateTypes(crd)).toMatchFileSnapshot(`../../${types}`);
});

it(`the schemas in ${SCHEMA_TEXTS} are those of crds/`, async () => {
  await expect(await generateSchemaTexts()).toMatchFileSnapshot(`../../${SCHEMA_TEXTS}`);
});
