/** Plays scenarios on a cluster that has Rollcall: npm run e2e -- [--kubeconfig FILE] [SCENARIO…] */
import { parseArgs } from 'node:util';
import { playAll } from './play-all.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { kubeconfig: { type: 'string' } },
});
process.exitCode = await playAll(positionals, values.kubeconfig);
