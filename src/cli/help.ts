/** Help that teaches: what a command does, when to use it, an example, and what the exit code means. */
import type { Command, Standalone } from '../settings.ts';

export const OVERVIEW = `Rollcall keeps accounts in line with the people they belong to.

A folder of manifests says which systems there are (ManagedSystem), how the objects of one correspond to those of
another (ReconMapping), and what to do about every situation a comparison finds (SituationPolicy).

  rollcall init DIR        looks at a CSV file and an LDAP server, and writes manifests to begin with
  rollcall validate DIR    checks the manifests; no system is touched
  rollcall plan DIR        reads the systems and shows what would change, and why; writes nothing
  rollcall run DIR         takes the roll call: reads, repairs what the policy allows, records
  rollcall explain DIR     tells everything about one entry: why it was, or was not, changed
  rollcall get KIND [DIR]  mappings, systems, policies or plans, with their state
  rollcall history [DIR]   past runs and what they did to whom
  rollcall objects DIR     the objects that a Repository keeps
  rollcall approve DIR     releases a plan that a guard has held
  rollcall link DIR        makes a pair of two entries that correlation cannot bring together
  rollcall unlink DIR      takes a link back
  rollcall up DIR          goes on taking the roll call, by interval and schedule, until stopped
  rollcall operator        the same in a cluster, on the API server's objects

DIR is a file, a folder of YAML files, or - for standard input. Start with init, then validate, plan and run.

Options of all commands:
  -o, --output FORMAT      table (default), wide, json or csv
      --state DIR          where Rollcall keeps what it remembers (default: .rollcall beside the manifests)
  -h, --help               help, also of a command: rollcall run --help
      --version

Exit code: 0 all is well · 1 a run failed, stalled or left entries undone · 2 something is held, or would change under
plan or in Observe mode · 3 the input is not valid · 130, 143 ended by a signal
`;

export const HELP: Readonly<Record<Command | Standalone, string>> = {
  init: `rollcall init DIR [--csv FILE] [--ldap URL] [--bind-dn DN] [--password-file FILE] [more]

Looks at a CSV file of people and at an LDAP server, proposes the id, what matches people and accounts, and what goes
where, and writes commented manifests to DIR: systems.yaml, mappings.yaml, policy.yaml, and secrets.yaml for the password
alone. They validate at once and are in Observe mode. Neither the file nor the server is written. What no flag says is
asked on a terminal. Nothing that is there is overwritten.

  --csv FILE             the file, which has to lie in DIR
  --delimiter C          between two columns (default: found out)   --encoding NAME   (default: found out)
  --id COLUMN            the column that never changes (default: found out)
  --ldap URL             ldaps://HOST, ldap://HOST or ldapi://SOCKET
  --tls MODE             StartTLS (default for ldap://), LDAPS or Disabled, which sends everything in the clear
  --ca FILE              the authority of the server's certificate, in PEM
  --bind-dn DN           who reads, and later writes   --password-file FILE   its password
  --anonymous            without either
  --base DN              below which accounts lie (default: what the server holds)
  --filter FILTER        which entries are accounts (default: found out)
  --object-class NAME    of new accounts, may be repeated (default: as the existing ones)

  rollcall init hr --csv hr/people.csv --ldap ldaps://ldap.example.org --bind-dn cn=rollcall,dc=example,dc=org --password-file pw
`,
  up: `rollcall up DIR [--state DIR] [--concurrent-runs N] [--probe-interval 5m] [--log-level LEVEL]

Runs the controllers over a folder of manifests until it is stopped: every mapping by its interval or schedule, and at
once when its manifest, its systems, its policy or a Secret changes. The folder is looked at every second. Shows what
kubectl get -w would, and Events as they come.

  --concurrent-runs N   runs at once (2)
  --probe-interval D    how often systems are asked whether they answer (5m)
  --log-level LEVEL     debug, info, warn (default) or error; structured lines

  rollcall up examples/cookbook
`,
  operator: `rollcall operator [flags]

The process in a cluster: the same controllers over an API server, led by a Lease. The chart in charts/rollcall sets the
flags; a kubeconfig serves outside a pod.

  --state DIR              the store (/var/lib/rollcall/state)
  --data DIR               files of CSV systems, in a folder for each namespace (/var/lib/rollcall/data)
  --namespaces A,B         only these (default: all)
  --lease-name NAME        (rollcall)   --lease-namespace NAME   (the namespace of the account)
  --metrics-address H:P    Prometheus text at /metrics (:8080)
  --health-address H:P     /healthz and /readyz (:8081)
  --concurrent-runs N      runs at once (2)
  --probe-interval D       how often systems are asked whether they answer (5m)
  --log-level LEVEL        debug, info (default), warn or error
  --kubeconfig FILE        (default: KUBECONFIG, the account of the pod, ~/.kube/config)
`,
  validate: `rollcall validate DIR

Checks schemas, rules, expressions and references between the objects. Every problem is shown with its file, line and
path. No system is touched.

  rollcall validate examples/cookbook
`,
  plan: `rollcall plan DIR [--mapping NAMESPACE/NAME] [--source ID | --target ID] [--all]

Reads the systems and shows what a run would do, grouped by situation, with examples and the field to change next.
Writes nothing, anywhere. A chain through a Repository is planned through all its hops. Exit code 2: something would change.

  --mapping NAMESPACE/NAME   only this mapping
  --source ID, --target ID   only this entry
  --all                      entries that are in sync or ignored too

  rollcall plan examples/cookbook -o json
`,
  run: `rollcall run DIR [--mapping NAMESPACE/NAME] [--source ID | --target ID] [--all]

One run of each mapping, in the order in which they feed each other, until nothing is due any more. A mapping in
Observe mode is planned only. Run it again at any time: what is in sync is not written.

  --mapping NAMESPACE/NAME   one run of this mapping, and none of those that follow it
  --source ID, --target ID   only this entry
  --all                      records entries that are in sync or ignored too

  rollcall run examples/cookbook
`,
  explain: `rollcall explain DIR --mapping NAMESPACE/NAME (--source ID | --target ID)

Answers "why did nothing happen to her?": the facts about one entry, the row of the table that fits them, the rules that
were passed over and why, the differences with their authors, and what a guard says. ID is an id, a DN, or a name (any value that the mapping reads). Writes nothing.

  rollcall explain examples/cookbook --mapping default/people-to-directory --source 123
`,
  get: `rollcall get KIND [DIR]

KIND is mappings, systems, policies or plans. DIR defaults to the present folder.

  rollcall get mappings examples/cookbook
`,
  history: `rollcall history [DIR] [--mapping NAMESPACE/NAME] [--run ID] [--limit N]

The last runs, and what was linked, unlinked or released by hand, by whom; with --run the entries of one run. DIR defaults to the present folder; without
it --state DIR alone is enough, as in a pod of the operator.

  rollcall history examples/cookbook --run 4b0c… -o csv
`,
  objects: `rollcall objects DIR SYSTEM OBJECT [list | get ID | put ID --file FILE | delete ID]

The objects that a Repository keeps. FILE holds a JSON object, attribute name → value or list of values; - is standard input.

  rollcall objects examples/cookbook people person list
  rollcall objects examples/cookbook people person get 123 -o json
`,
  link: `rollcall link DIR --mapping NAMESPACE/NAME --source ID --target ID [--by NAME]

Settles by hand what correlation cannot: the next run takes the two as linked and compares all their attributes. ID is an
id, a DN or a name. Refused where it makes no sense: an entry that is not there, out of scope, protected, or linked
already. Neither entry is written. history shows who did it; unlink undoes it.

  --by NAME   who does it, for history (default: the user of the system)

  rollcall link examples/cookbook --mapping default/people-to-directory --source 123 --target uid=snow,ou=people,dc=example,dc=org
`,
  unlink: `rollcall unlink DIR --mapping NAMESPACE/NAME (--source ID | --target ID) [--by NAME]

Takes a link back. Neither entry is written. The next run looks for a partner again; a warning tells where it would find
the same one. history shows who did it; link undoes it.

  --by NAME   who does it, for history (default: the user of the system)

  rollcall unlink examples/cookbook --mapping default/people-to-directory --source 123
`,
  approve: `rollcall approve DIR --mapping NAMESPACE/NAME --plan DIGEST [--by NAME]

Releases a held plan: the next run does exactly the operations that were held, each once, while they are still what the
inputs ask for. The digest is shown by run, by get plans, and in the JSON of a run.

  rollcall approve examples/cookbook --mapping default/people-to-directory --plan 3f8a…
`,
};
