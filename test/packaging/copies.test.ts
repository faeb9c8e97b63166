/** What stands in two places because somebody else’s tool looks there only; `npm run generate` makes the copies anew. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { kindNames, kinds } from '../../src/api/names.ts';
import { render } from '../support/helm.ts';

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const list = (path: string): string[] => readdirSync(new URL(`../../${path}`, import.meta.url)).toSorted();
const manifest = JSON.parse(read('package.json')) as {
  version: string;
  engines: { node: string };
  devDependencies: { node: string };
};
const definitions = kindNames.map((kind) => `${kinds[kind].plural}.yaml`).toSorted();

describe('the definitions', () => {
  it.each(definitions)('%s is byte by byte the same in the chart', async (file) => {
    await expect(read(`crds/${file}`)).toMatchFileSnapshot(`../../charts/rollcall/files/crds/${file}`);
  });

  it('the chart has them all and no others, and so has crds/', () => {
    expect(list('charts/rollcall/files/crds')).toEqual(definitions);
    expect(list('crds')).toEqual([...definitions, 'kustomization.yaml'].toSorted());
    expect(parse(read('crds/kustomization.yaml'))).toMatchObject({ resources: definitions });
  });

  it('helm changes nothing in them but their labels and the mark that keeps them', async () => {
    const rendered = (await render()).filter(({ kind }) => kind === 'CustomResourceDefinition');
    const bare = rendered.map((definition) => {
      const { labels, annotations, ...metadata } = definition.metadata;
      expect(annotations).toEqual({ 'helm.sh/resource-policy': 'keep' });
      expect(labels).toMatchObject({ 'app.kubernetes.io/part-of': 'rollcall' });
      return { ...definition, metadata };
    });
    const originals = definitions.map((file) => parse(read(`crds/${file}`)) as unknown);
    expect(bare).toEqual(originals);
  });
});

describe('the version in package.json', () => {
  it('is the chart’s, and that of the program in it', () => {
    const { version } = manifest;
    expect(parse(read('charts/rollcall/Chart.yaml'))).toMatchObject({ version, appVersion: version });
  });

  it('is the one that kustomize takes, in the image and in the label', () => {
    expect(parse(read('charts/kustomize/kustomization.yaml'))).toMatchObject({
      images: [{ name: 'rollcall', newTag: manifest.version }],
      labels: [{ pairs: { 'app.kubernetes.io/version': manifest.version } }],
    });
  });

  it('of Node.js is the same in the image and in the tests', () => {
    const inImage = /^ARG NODE_VERSION=(.*)$/m.exec(read('Dockerfile'))?.[1];
    expect(inImage).toBe(manifest.devDependencies.node);
    expect(`>=${inImage?.split('.')[0] ?? ''}`).toBe(manifest.engines.node);
  });
});
