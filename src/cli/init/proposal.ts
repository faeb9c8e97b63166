/** Everything that `init` proposes, from what it saw on both sides. Pure: no file, no server, no clock. */
import type { CsvSample } from '../../connectors/csv/sample.ts';
import type { DirectorySample, DirectorySurvey } from '../../connectors/ldap/survey.ts';
import { normalName } from '../../engine/dn.ts';
import { Accounts } from './accounts.ts';
import { AttributeProposals, type ProposedAttribute } from './attributes.ts';
import { columnsOf, idColumn, type Column } from './columns.ts';
import { correlate, type Correlation } from './correlation.ts';
import { proposeName, type ProposedName } from './naming.ts';

export interface ProposedLdap {
  readonly url: string;
  readonly tls: 'LDAPS' | 'StartTLS' | 'Disabled';
  readonly bindDn: string | undefined;
  readonly base: string;
  readonly filter: string;
  readonly id: string;
  /** The account that binds, where it is one of the accounts. */
  readonly protectedDn: string | undefined;
  /** Whether all accounts were looked at. */
  readonly whole: boolean;
}

export interface Proposal {
  readonly csv: { readonly path: string; readonly delimiter: string; readonly encoding: string };
  readonly columns: readonly Column[];
  readonly rows: number;
  readonly id: Column;
  readonly ldap: ProposedLdap;
  /** PEM. */
  readonly ca: string | undefined;
  readonly classes: readonly string[];
  readonly correlation: Correlation;
  readonly name: ProposedName;
  readonly attributes: readonly ProposedAttribute[];
  /** Attributes that new accounts must have and that nothing gives a value. */
  readonly missing: readonly string[];
}

export interface ProposalInput {
  readonly path: string;
  readonly sample: CsvSample;
  /** Undefined: found out. */
  readonly id: string | undefined;
  readonly classes: readonly string[];
  readonly ldap: Omit<ProposedLdap, 'id' | 'protectedDn' | 'whole'>;
  readonly ca: string | undefined;
  readonly survey: Pick<DirectorySurvey, 'attributes' | 'classes' | 'id'>;
  readonly found: DirectorySample;
}

/** Undefined: no column tells the rows apart. */
export function propose(input: ProposalInput): Proposal | undefined {
  const { sample, survey, found, ldap } = input;
  const columns = columnsOf(sample);
  const id = input.id === undefined ? idColumn(columns) : columns.find(({ name }) => name === input.id);
  if (!id) return undefined;
  const accounts = new Accounts(survey, found);
  const correlation = correlate(columns, accounts);
  const name = proposeName(columns, id, accounts, correlation.pairs);
  const usual = input.classes.length > 0 ? input.classes : accounts.usualClasses();
  const proposals = (classes: readonly string[]): AttributeProposals =>
    new AttributeProposals({ columns, accounts, correlation, classes, naming: name.attribute });
  const classes = input.classes.length > 0 ? usual : affordable(usual, accounts, proposals);
  const proposed = proposals(classes);
  const attributes = proposed.all();
  return {
    csv: { path: input.path, ...sample.dialect },
    columns,
    rows: sample.rows.length,
    id,
    ldap: { ...ldap, id: survey.id, protectedDn: protectedOf(ldap.bindDn, found), whole: found.whole },
    ca: input.ca,
    classes,
    correlation,
    name,
    attributes,
    missing: proposed.missing(),
  };
}

/** An auxiliary class that asks for what no column holds (a uidNumber) would make every new account fail. */
function affordable(
  classes: readonly string[],
  accounts: Accounts,
  proposals: (classes: readonly string[]) => AttributeProposals,
): string[] {
  return classes.filter((name) => {
    if (!accounts.isAuxiliary(name)) return true;
    const alone = proposals([name]);
    alone.all();
    return alone.missing().length === 0;
  });
}

function protectedOf(bindDn: string | undefined, { entries }: DirectorySample): string | undefined {
  if (bindDn === undefined) return undefined;
  const bound = normalName(bindDn);
  return entries.find(({ name }) => normalName(name) === bound)?.name;
}
