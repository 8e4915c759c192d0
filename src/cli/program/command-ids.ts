/** The ids of the commands: the paths of their files below `src/commands/`. */
export const commandIds = [
  'apply',
  'approve',
  'audit:anomalies',
  'audit:checkpoint',
  'audit:export',
  'audit:log',
  'audit:merge',
  'audit:verify',
  'auth:explain',
  'bundle:apply',
  'bundle:create',
  'bundle:verify',
  'check',
  'completion',
  'config:init',
  'config:schema',
  'config:show',
  'config:validate',
  'copy',
  'diff',
  'doctor',
  'explain',
  'gitops:pin',
  'gitops:diff',
  'help',
  'history',
  'hold',
  'inspect',
  'k8s:prepull',
  'k8s:pull-secret',
  'login',
  'logout',
  'ls',
  'mirror-config',
  'plan:show',
  'promote',
  'prune',
  'report',
  'rollback',
  'serve',
  'status',
  'sync',
  'tag',
  'usage',
] as const

const known: ReadonlySet<string> = new Set(commandIds)

/** Whether a command has this id, such as `plan:show`. */
export function isCommand(id: string): boolean {
  return known.has(id)
}
