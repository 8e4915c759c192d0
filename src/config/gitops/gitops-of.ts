import { dirname } from 'node:path'
import type { LoadedConfig } from '../parse.ts'
import { namesIn } from '../sections/known-names.ts'
import { checkGitOps } from './check-gitops.ts'
import type { GitOpsConfig } from './gitops.ts'

/**
 * Returns the deployment files of each environment that has some, in the order of the file.
 * @throws `config` with every mistake at its line and column.
 */
export function gitopsOf(loaded: LoadedConfig): ReadonlyMap<string, GitOpsConfig> {
  const { environments, issues } = checkGitOpsOf(loaded)
  if (issues.length > 0) throw loaded.mistakes(issues)
  return new Map(environments.map((one) => [one.environment, one]))
}

/** As `gitopsOf`, with the mistakes instead of an error. */
export function checkGitOpsOf({ written, file }: LoadedConfig): ReturnType<typeof checkGitOps> {
  if (written?.environments === undefined || file === undefined) return { environments: [], issues: [] }
  return checkGitOps(written.environments, { known: namesIn(written), folder: dirname(file) })
}
