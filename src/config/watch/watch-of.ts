import { dirname, resolve } from 'node:path'
import type { LoadedConfig } from '../parse.ts'
import { namesIn } from '../sections/known-names.ts'
import { checkSyncOf } from '../sync/sync-rules.ts'
import { checkWatch } from './check-watch.ts'
import type { WatchConfig } from './watch-config.ts'

/**
 * Returns the section `watch` of a configuration; undefined without one. Import this file lazily:
 * it loads the engines of regular expressions and of versions.
 * @param now milliseconds since 1970, for dates in gates
 * @throws `config` with every mistake at its line and column.
 */
export function watchOf(loaded: LoadedConfig, now: number): WatchConfig | undefined {
  const checked = checkWatchOf(loaded, now)
  if (checked === undefined) return undefined
  const ofSync = checkSyncOf(loaded, now).issues
  const issues = [...ofSync, ...checked.issues]
  if (issues.length > 0) throw loaded.mistakes(issues)
  return checked.watch
}

/** As `watchOf`, with the mistakes of the section instead of an error. */
export function checkWatchOf(loaded: LoadedConfig, now: number): ReturnType<typeof checkWatch> | undefined {
  const { written, file, config } = loaded
  if (written?.watch === undefined || file === undefined) return undefined
  const folder = dirname(file)
  return checkWatch(written.watch, {
    written,
    config,
    known: namesIn(written),
    folder,
    absolute: (path) => resolve(folder, path),
    syncRules: checkSyncOf(loaded, now).rules,
  })
}
