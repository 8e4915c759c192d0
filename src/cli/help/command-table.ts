/** Commands that belong together, each with the page of `docs/` about it. */
interface CommandGroup {
  readonly title: string
  /** pages by the id of a command */
  readonly commands: Readonly<Record<string, string>>
}

/** The order of the commands in help and in docs/commands.md. */
export const commandTable: readonly CommandGroup[] = [
  {
    title: 'Core commands',
    commands: {
      promote: 'promote.md',
      status: 'status.md',
      diff: 'status.md',
      ls: 'list-and-inspect.md',
      inspect: 'list-and-inspect.md',
      tag: 'tags.md',
      rollback: 'tags.md',
      sync: 'sync.md',
      watch: 'watch.md',
      report: 'usage.md',
    },
  },
  { title: 'Gate commands', commands: { check: 'gates.md', approve: 'gates/approvals.md' } },
  {
    title: 'Cleanup commands',
    commands: { usage: 'usage.md', prune: 'retention.md', explain: 'retention.md', hold: 'holds.md' },
  },
  { title: 'Plan commands', commands: { apply: 'plans.md', 'plan:show': 'plans.md' } },
  {
    title: 'Audit commands',
    commands: {
      'audit:log': 'audit.md',
      'audit:anomalies': 'anomalies.md',
      'audit:verify': 'audit.md',
      'audit:checkpoint': 'audit.md',
      'audit:export': 'audit.md',
      'audit:merge': 'audit.md',
      history: 'attestations.md',
    },
  },
  {
    title: 'Registry commands',
    commands: {
      login: 'credentials.md',
      logout: 'credentials.md',
      'auth:explain': 'credentials.md',
      doctor: 'doctor.md',
      copy: 'copy.md',
      'bundle:apply': 'bundles.md',
      'bundle:create': 'bundles.md',
      'bundle:verify': 'bundles.md',
      serve: 'embedded-registry.md',
    },
  },
  {
    title: 'GitOps commands',
    commands: { 'gitops:update': 'gitops.md', 'gitops:diff': 'gitops.md', 'gitops:pin': 'gitops.md' },
  },
  {
    title: 'Kubernetes commands',
    commands: { 'k8s:prepull': 'kubernetes.md', 'k8s:pull-secret': 'kubernetes.md' },
  },
  {
    title: 'Setup commands',
    commands: {
      'config:init': 'configuration.md',
      'config:show': 'configuration.md',
      'config:validate': 'configuration.md',
      'config:schema': 'configuration.md',
      'mirror-config': 'mirror-files.md',
      completion: 'completion.md',
    },
  },
]

/** The page about dray as a whole. */
export const indexPage = 'README.md'

/** The page about a command, in `docs/`. */
export function pageOf(id: string): string {
  return commandTable.flatMap(({ commands }) => commands[id] ?? [])[0] ?? indexPage
}
