/** What a test of a whole operator plays on: a control plane with the chart installed, a directory, an operator, one namespace, and a watch of every status. */
import { startControlPlane, type ControlPlane } from './control-plane.ts';
import { installChart, Operator, type OperatorOptions } from './operator.ts';
import { startSlapd, type Slapd, type SlapdOptions } from './slapd.ts';
import { Stage } from './stage.ts';
import { StatusWatch } from './status-watch.ts';

export interface Scene {
  readonly plane: ControlPlane;
  readonly slapd: Slapd;
  readonly operator: Operator;
  readonly stage: Stage;
  readonly watch: StatusWatch;
}

export async function openScene(
  namespace: string,
  directory: SlapdOptions,
  options: OperatorOptions = {},
): Promise<Scene> {
  const [plane, slapd] = await Promise.all([startControlPlane(), startSlapd(directory)]);
  await installChart(plane);
  const operator = await Operator.start(plane, options);
  const stage = await Stage.open(plane, namespace);
  return { plane, slapd, operator, stage, watch: await StatusWatch.start(plane) };
}

/** `operator` may be the successor of the one that was opened. */
export async function closeScene({ plane, slapd, operator, watch }: Omit<Scene, 'stage'>): Promise<void> {
  await operator[Symbol.asyncDispose]();
  watch[Symbol.dispose]();
  await Promise.all([plane.stop(), slapd.stop()]);
}
