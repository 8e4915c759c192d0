import { dirname } from 'node:path'
import type { GateDefinition } from '../../config/gates/gate.ts'
import { hasGates } from '../../config/gates/gates-at.ts'
import type { GitOpsConfig } from '../../config/gitops/gitops.ts'
import type { LoadedConfig } from '../../config/parse.ts'
import type { RetentionPolicy } from '../../config/retention/policy.ts'
import type { Issue } from '../../config/shape.ts'
import type { SyncRule } from '../../config/sync/sync-rule.ts'
import type { WatchConfig } from '../../config/watch/watch-config.ts'
import type { FileMistake } from '../../lib/errors.ts'

/** The checked parts of a configuration that commands otherwise read when they need them. */
export interface ValidatedParts {
  readonly policies: readonly RetentionPolicy[]
  readonly syncRules: readonly SyncRule[]
  readonly watch?: WatchConfig
  readonly gateWarnings: readonly FileMistake[]
  /** the environments with deployment files */
  readonly gitops: readonly GitOpsConfig[]
}

/**
 * Checks everything that `loadConfig` does not: retention policies, sync rules, the section
 * `watch`, deployment files, the files of keys and trusted roots, and the expressions of gates.
 * @param now milliseconds since 1970
 * @throws `config` with every mistake at its line and column.
 */
export async function validate(loaded: LoadedConfig, now: number): Promise<ValidatedParts> {
  const { checkRetention } = await import('../../config/retention/check-retention.ts')
  const { retentionOf } = await import('../../config/retention/retention.ts')
  const { retention, config, file } = loaded
  const ofRetention =
    retention === undefined || file === undefined
      ? []
      : checkRetention(retention, config, dirname(file)).issues
  const { rules, issues: ofSync } = await validateSync(loaded, now)
  const ofRules = rules.flatMap((rule) => rule.gates)
  const { issues, warnings } = await validateGates(loaded, ofRules, now)
  const { environments: gitops, issues: ofGitOps } = await validateGitOps(loaded)
  const watch = await validateWatch(loaded, now)
  const all = [...ofRetention, ...ofSync, ...(watch?.issues ?? []), ...ofGitOps, ...issues]
  if (all.length > 0) throw loaded.mistakes(all)
  return {
    policies: retentionOf(loaded),
    syncRules: rules,
    ...(watch !== undefined && { watch: watch.watch }),
    gateWarnings: loaded.locate(warnings),
    gitops,
  }
}

async function validateSync(
  loaded: LoadedConfig,
  now: number,
): Promise<{ readonly rules: readonly SyncRule[]; readonly issues: readonly Issue[] }> {
  if (loaded.sync === undefined) return { rules: [], issues: [] }
  const { checkSyncOf } = await import('../../config/sync/sync-rules.ts')
  const { rules, issues } = checkSyncOf(loaded, now)
  return { rules, issues }
}

async function validateGitOps(
  loaded: LoadedConfig,
): Promise<{ readonly environments: readonly GitOpsConfig[]; readonly issues: readonly Issue[] }> {
  const written = Object.values(loaded.written?.environments ?? {})
  if (written.every(({ gitops, git }) => (gitops ?? git) === undefined))
    return { environments: [], issues: [] }
  const { checkGitOpsOf } = await import('../../config/gitops/gitops-of.ts')
  return checkGitOpsOf(loaded)
}

async function validateWatch(
  loaded: LoadedConfig,
  now: number,
): Promise<{ readonly watch: WatchConfig; readonly issues: readonly Issue[] } | undefined> {
  if (loaded.written?.watch === undefined) return undefined
  const { checkWatchOf } = await import('../../config/watch/watch-of.ts')
  return checkWatchOf(loaded, now)
}

async function validateGates(
  loaded: LoadedConfig,
  ofRules: readonly GateDefinition[],
  now: number,
): Promise<{ readonly issues: readonly Issue[]; readonly warnings: readonly Issue[] }> {
  const { config } = loaded
  if (config.trust === undefined && !hasGates(config) && ofRules.length === 0)
    return { issues: [], warnings: [] }
  const [{ checkGates }, { gateWarnings }] = await Promise.all([
    import('../gates/load-gates.ts'),
    import('../../config/gates/gate-warnings.ts'),
  ])
  return { issues: await checkGates(loaded, ofRules), warnings: gateWarnings(loaded.config, now) }
}
