import type { SyncOnEvent } from '../../config/watch/watch-config.ts'
import type { MatchedEvent } from '../../usecases/watch/queue/watch-work.ts'

/** The subject of a run of all repositories of a sync rule. No repository has this path. */
export const allRepositories = '*'

/** Two runs of one sync rule never overlap. */
export function lockOfRule(name: string): string {
  return `sync rule ${name}`
}

/** The run of a whole sync rule, which a check starts. */
export function wholeRule({ name, rule }: SyncOnEvent, source: string): MatchedEvent {
  return {
    event: { source, repository: `every.invalid/${rule.name}`, tag: 'all' },
    triggers: [{ rule: name, subject: allRepositories, targets: [lockOfRule(rule.name)] }],
  }
}
