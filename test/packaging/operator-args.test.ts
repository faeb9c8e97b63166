/** The chart and the program agree about the operator's flags. */
import { expect, it } from 'vitest';
import { parseOperator } from '../../src/service-settings.ts';
import { pick, render, type Values } from '../support/helm.ts';

async function argsOf(values: Values): Promise<string[]> {
  const { spec } = pick(await render(values), 'Deployment') as unknown as {
    spec: { template: { spec: { containers: { args: string[] }[] } } };
  };
  return spec.template.spec.containers[0]?.args ?? [];
}

it('what the chart passes by default is what the program would take by itself', async () => {
  const [command, ...flags] = await argsOf({});
  expect(command).toBe('operator');
  expect(flags).toHaveLength(8);
  expect(parseOperator(flags)).toEqual(parseOperator([]));
});

it('every value of the chart arrives', async () => {
  const [, ...flags] = await argsOf({
    fullnameOverride: 'roll',
    rbac: { scope: 'Namespaced' },
    watchNamespaces: ['hr', 'it'],
    operator: { concurrentRuns: 3, probeInterval: '90s', logLevel: 'debug' },
  });
  expect(parseOperator(flags)).toMatchObject({
    kind: 'Parsed',
    settings: {
      namespaces: ['hr', 'it'],
      leaseName: 'roll',
      leaseNamespace: undefined,
      concurrentRuns: 3,
      probeEveryMs: 90_000,
      logLevel: 'debug',
    },
  });
});

it('a flag that the program does not know is refused, so that this test sees one', () => {
  expect(parseOperator(['--leader-elect'])).toMatchObject({ kind: 'Invalid' });
});
