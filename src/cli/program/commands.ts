import type { CommandClass } from './command-class.ts'
import type { commandIds } from './command-ids.ts'

type CommandModule = Promise<{ readonly default: CommandClass }>

/** The commands by their ids. Each is loaded only to run it. A test compares the ids with files. */
const table: Readonly<Record<(typeof commandIds)[number], () => CommandModule>> = {
  apply: () => import('../../commands/apply.ts'),
  approve: () => import('../../commands/approve.ts'),
  'audit:anomalies': () => import('../../commands/audit/anomalies.ts'),
  'audit:checkpoint': () => import('../../commands/audit/checkpoint.ts'),
  'audit:export': () => import('../../commands/audit/export.ts'),
  'audit:log': () => import('../../commands/audit/log.ts'),
  'audit:merge': () => import('../../commands/audit/merge.ts'),
  'audit:verify': () => import('../../commands/audit/verify.ts'),
  'auth:explain': () => import('../../commands/auth/explain.ts'),
  'bundle:apply': () => import('../../commands/bundle/apply.ts'),
  'bundle:create': () => import('../../commands/bundle/create.ts'),
  'bundle:verify': () => import('../../commands/bundle/verify.ts'),
  check: () => import('../../commands/check.ts'),
  completion: () => import('../../commands/completion.ts'),
  'config:init': () => import('../../commands/config/init.ts'),
  'config:schema': () => import('../../commands/config/schema.ts'),
  'config:show': () => import('../../commands/config/show.ts'),
  'config:validate': () => import('../../commands/config/validate.ts'),
  copy: () => import('../../commands/copy.ts'),
  diff: () => import('../../commands/diff.ts'),
  doctor: () => import('../../commands/doctor.ts'),
  explain: () => import('../../commands/explain.ts'),
  'gitops:diff': () => import('../../commands/gitops/diff.ts'),
  'gitops:pin': () => import('../../commands/gitops/pin.ts'),
  'gitops:update': () => import('../../commands/gitops/update.ts'),
  help: () => import('../../commands/help.ts'),
  history: () => import('../../commands/history.ts'),
  hold: () => import('../../commands/hold.ts'),
  inspect: () => import('../../commands/inspect.ts'),
  'k8s:prepull': () => import('../../commands/k8s/prepull.ts'),
  'k8s:pull-secret': () => import('../../commands/k8s/pull-secret.ts'),
  login: () => import('../../commands/login.ts'),
  logout: () => import('../../commands/logout.ts'),
  ls: () => import('../../commands/ls.ts'),
  'mirror-config': () => import('../../commands/mirror-config.ts'),
  'plan:show': () => import('../../commands/plan/show.ts'),
  promote: () => import('../../commands/promote.ts'),
  prune: () => import('../../commands/prune.ts'),
  report: () => import('../../commands/report.ts'),
  rollback: () => import('../../commands/rollback.ts'),
  serve: () => import('../../commands/serve.ts'),
  status: () => import('../../commands/status.ts'),
  sync: () => import('../../commands/sync.ts'),
  tag: () => import('../../commands/tag.ts'),
  usage: () => import('../../commands/usage.ts'),
  watch: () => import('../../commands/watch.ts'),
}

/** The same table for any text. */
export const commands: Readonly<Record<string, () => CommandModule>> = table
