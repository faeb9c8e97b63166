/** `rollcall explain`: everything about one entry; an answer to "why did nothing happen to her?". Writes nothing. */
import { documentOf } from '../runner/run-document.ts';
import { openOverlay } from '../store/state.ts';
import { factsOf, type Facts, type FactsInput } from './explain-facts.ts';
import { explanation, type ExplanationInput } from './explain-text.ts';
import type { Context } from './context.ts';
import { CommandFailure, EXIT } from './failure.ts';
import { foreseeOn, type Foreseen } from './foresee.ts';
import type { Project } from './project.ts';
import { findMapping } from './roll-call.ts';

export async function explain(project: Project, context: Context): Promise<number> {
  const { settings, signal, notes } = context;
  const one = findMapping(project, settings.mapping ?? '');
  const asked = askedOf(settings);
  using state = await openOverlay(project.stateFolder);
  const facts = await lookUp({ one, project, state, ...asked }, signal);
  const only = { side: asked.side, id: facts?.id ?? asked.asked };
  const foreseen = await foreseeOn(state, one, { only, project }, signal);
  if (settings.output === 'json') writeDocument(foreseen, context);
  else if (facts) writeText({ project, one, facts, foreseen }, context);
  const { result, outcome, message = '' } = foreseen.summary;
  if (result) return EXIT.ok;
  notes.write(`${one.key}: ${outcome}: ${message}\n`);
  return EXIT.failed;
}

function writeText(
  { foreseen, ...more }: Omit<ExplanationInput, 'foreseen'> & { readonly foreseen: Foreseen },
  { output }: Context,
): void {
  const { summary, records } = foreseen;
  if (!summary.result) return;
  for (const line of explanation({ ...more, foreseen: { result: summary.result, records } }))
    output.write(`${line}\n`);
}

function askedOf({ source, target }: Context['settings']): Asked {
  return source === undefined ? { side: 'Target', asked: target ?? '' } : { side: 'Source', asked: source };
}

function writeDocument({ summary, records }: Foreseen, { output }: Context): void {
  const document = { ...documentOf(summary), message: summary.message ?? null, entries: records };
  output.write(`${JSON.stringify(document, null, 2)}\n`);
}

type Asked = Pick<FactsInput, 'side' | 'asked'>;

/** Undefined: the mapping cannot be opened as it is, and the run says why. */
async function lookUp(input: FactsInput, signal: AbortSignal): Promise<Facts | undefined> {
  const facts = await factsOf(input, signal);
  if (facts === undefined || !('several' in facts)) return facts;
  throw new CommandFailure(EXIT.invalid, facts.several);
}
