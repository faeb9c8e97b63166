import { expect, it } from 'vitest';
import { generated, generateTypes } from './generate-types.ts';

it.each(generated)('the types in $types are what $crd says', async ({ crd, types }) => {
  await expect(await generateTypes(crd)).toMatchFileSnapshot(`../../${types}`);
});
