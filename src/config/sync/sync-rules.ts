import { dirname, resolve } from 'node:path'
import type { LoadedConfig } from '../parse.ts'
import { namesIn } from '../sections/known-names.ts'
import { checkSync } from './check-sync.ts'
import type { SyncRule } from './sync-rule.ts'

/**
 * Returns the sync rules of a configuration, in the order of the file; empty without the section
 * `sync`. Import this file lazily: it loads the engines of regular expressions and of versions.
 * @param now milliseconds since 1970, for dates in gates; by default the present
 * @throws `config` with every mistake at its line and column.
 */
export function syncRulesOf(loaded: LoadedConfig, now: number = Date.now()): readonly SyncRule[] {
  const { rules, issues } = checkSyncOf(loaded, now)
  if (issues.length > 0) throw loaded.mistakes(issues)
  return rules
}

/** As `syncRulesOf`, with the mistakes instead of an error. */
export function checkSyncOf(loaded: LoadedConfig, now: number): ReturnType<typeof checkSync> {
  const { sync, file, config, written } = loaded
  if (sync === undefined || file === undefined) return { rules: [], issues: [] }
  const absolute = (path: string): string => resolve(dirname(file), path)
  return checkSync(sync, { config, known: namesIn(written), absolute, now })
}
