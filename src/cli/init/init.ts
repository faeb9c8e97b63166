/**
 * `rollcall init`: from a CSV file and an LDAP server to commented manifests in Observe mode. It reads both, proposes
 * what their contents say, and writes a folder that validates. It writes to neither of them.
 */
import { guessFilter, openSurvey, type DirectorySurvey } from '../../connectors/ldap/survey.ts';
import { sampleCsv, type CsvSample } from '../../connectors/csv/sample.ts';
import { normalName, parentOf } from '../../engine/dn.ts';
import { ConnectorError } from '../../engine/errors.ts';
import type { InitSettings } from '../../init-settings.ts';
import { CommandFailure, EXIT, toldOf } from '../failure.ts';
import { loadProject } from '../project.ts';
import { problemLine } from '../validate.ts';
import { answersOf, refuse, type Answers } from './answers.ts';
import { terminalAsker, type Asker } from './asker.ts';
import { requireNoFiles, SECRETS, writeFiles } from './files.ts';
import { mappingsYaml, policyYaml, secretsYaml, systemsYaml } from './manifests.ts';
import { propose, type Proposal } from './proposal.ts';
import { csvText, directoryText, nextText } from './told.ts';

/** What proposals are made from. More rows or accounts would not make them better. */
const MAX_ROWS = 20_000;
const MAX_ACCOUNTS = 5_000;

export async function init(settings: InitSettings, signal: AbortSignal): Promise<number> {
  try {
    using asker = terminalAsker();
    return await introduce(settings, asker, signal);
  } catch (error) {
    const told = toldOf(error);
    if (told === undefined) throw error;
    process.stderr.write(`rollcall: ${told}\n`);
    return error instanceof CommandFailure ? error.exitCode : EXIT.failed;
  }
}

async function introduce(
  settings: InitSettings,
  asker: Asker | undefined,
  signal: AbortSignal,
): Promise<number> {
  const { directory } = settings;
  requireNoFiles(directory);
  const answers = await answersOf(settings, asker);
  const sample = await readCsv(answers.path, settings, signal);
  await using survey = await openDirectory(answers, settings, signal);
  const look = await lookAt(survey, settings, asker, signal);
  const proposal = propose({
    path: answers.path,
    sample,
    id: settings.id,
    classes: settings.objectClasses,
    ldap: { url: answers.ldap.url, tls: answers.ldap.tls.mode, bindDn: answers.ldap.bind?.dn, ...look },
    ca: answers.ca,
    survey,
    found: look.found,
  });
  if (!proposal) throw refuse(noId(settings.id, sample));
  const files = filesOf(proposal, answers);
  writeFiles(directory, files);
  process.stdout.write(`${csvText(proposal, sample)}\n`);
  process.stdout.write(`${directoryText(proposal, survey.vendor, look.found.entries.length)}\n`);
  process.stdout.write(nextText(directory, [...files.keys()]));
  return await check(directory);
}

function noId(id: string | undefined, { header }: CsvSample): string {
  const names = header.map((name) => `'${name}'`).join(', ');
  return id === undefined
    ? `no column tells the rows apart: each has values that repeat or are missing; name one with --id (there is ${names}), or mend the file`
    : `there is no column '${id}' for --id; there is ${names}`;
}

async function readCsv(path: string, settings: InitSettings, signal: AbortSignal): Promise<CsvSample> {
  const { directory, delimiter, encoding } = settings;
  try {
    const sample = await sampleCsv({ root: directory, path, delimiter, encoding, rows: MAX_ROWS }, signal);
    if (sample.rows.length === 0)
      throw refuse(`${path} has a header and no rows, so there is nothing to go by`);
    return sample;
  } catch (error) {
    if (error instanceof ConnectorError) throw refuse(error.message);
    throw error;
  }
}

async function openDirectory(
  { ldap }: Answers,
  { tls }: InitSettings,
  signal: AbortSignal,
): Promise<DirectorySurvey> {
  try {
    return await openSurvey(ldap, signal);
  } catch (error) {
    const wasGuessed = tls === undefined && ldap.tls.mode === 'StartTLS';
    if (!(error instanceof ConnectorError) || !wasGuessed) throw error;
    const hint = `tried with StartTLS; --ca FILE names its authority, and --tls Disabled does without, in the clear`;
    throw new ConnectorError(error.code, `${error.message} (${hint})`, { cause: error });
  }
}

type Look = Pick<Proposal['ldap'], 'base' | 'filter'> & {
  readonly found: Awaited<ReturnType<DirectorySurvey['sample']>>;
};

/** Where the accounts are: where somebody says, else where all that the server has of them lie. */
async function lookAt(
  survey: DirectorySurvey,
  settings: InitSettings,
  asker: Asker | undefined,
  signal: AbortSignal,
): Promise<Look> {
  const start = settings.base ?? (await baseOf(survey.namingContexts, asker));
  const filter = settings.filter ?? (await guessFilter(survey, start, signal));
  const found = await survey.sample({ base: start, filter, entries: MAX_ACCOUNTS }, signal);
  if (found.entries.length === 0)
    throw refuse(
      `no entry below ${start} fits ${filter}, so there is nothing to go by; --filter names the accounts`,
    );
  const base = settings.base === undefined && found.whole ? narrow(start, found.entries) : start;
  return { base, filter, found };
}

async function baseOf(contexts: readonly string[], asker: Asker | undefined): Promise<string> {
  const [context] = contexts;
  if (asker) return asker.ask('Base DN of the accounts', context);
  if (context !== undefined && contexts.length === 1) return context;
  throw refuse(
    context === undefined
      ? 'the server does not say what it holds; --base DN names where accounts are'
      : `the server holds several trees; --base DN names one: ${contexts.join(', ')}`,
  );
}

/** The one place where all accounts lie, if there is one. */
function narrow(base: string, entries: readonly { readonly name: string }[]): string {
  const parents = new Map(entries.map(({ name }) => [normalName(parentOf(name)), parentOf(name)]));
  const [only] = parents.values();
  return parents.size === 1 && only !== undefined && only !== '' ? only : base;
}

function filesOf(proposal: Proposal, { ldap }: Answers): Map<string, string> {
  const files = new Map([
    ['systems.yaml', systemsYaml(proposal)],
    ['mappings.yaml', mappingsYaml(proposal)],
    ['policy.yaml', policyYaml()],
  ]);
  if (ldap.bind) files.set(SECRETS, secretsYaml({ dn: ldap.bind.dn, password: ldap.bind.password.reveal() }));
  return files;
}

/** What was written has to be valid, with whatever else the folder holds. */
async function check(directory: string): Promise<number> {
  const { problems } = await loadProject(directory, undefined);
  for (const problem of problems) process.stderr.write(problemLine(problem));
  return problems.length === 0 ? EXIT.ok : EXIT.invalid;
}
