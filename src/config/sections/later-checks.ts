import { resolve } from 'node:path'
import { isRecord } from '../../oci/json.ts'
import type { Config } from '../config.ts'
import type { WrittenConfig } from '../schema/schema.ts'
import type { Issue } from '../shape.ts'
import type { KnownNames } from './sections.ts'

/** The file around the sections that dray checks only when it needs them. */
interface LaterContext {
  readonly config: Config
  readonly known: KnownNames
  /** the mistakes in the parts that were removed from the file */
  readonly broken: readonly Issue[]
}

/** Returns the mistakes of `retention`, `sync`, `watch` and the keys about deployment files. */
export type LaterCheck = (written: WrittenConfig, context: LaterContext) => readonly Issue[]

/**
 * Loads the checks of the sections that a parsed file has, also if it has mistakes.
 * @param place `folder` is that of dray.yaml, absolute; `now` is in milliseconds since 1970
 */
export async function importLaterChecks(
  value: unknown,
  { folder, now }: { readonly folder: string; readonly now: number },
): Promise<LaterCheck> {
  const file = isRecord(value) ? value : {}
  const [ofRetention, ofSync, ofWatch, ofGitOps] = await Promise.all([
    'retention' in file ? import('../retention/check-retention.ts') : undefined,
    'sync' in file ? import('../sync/check-sync.ts') : undefined,
    'watch' in file ? import('../watch/check-watch.ts') : undefined,
    hasGitOps(file['environments']) ? import('../gitops/check-gitops.ts') : undefined,
  ])
  const absolute = (path: string): string => resolve(folder, path)
  return (written, { config, known, broken }) => {
    const { retention, sync, watch, environments } = written
    const isWhole = (section: string): boolean => !broken.some(({ path }) => path[0] === section)
    const around = { config, known, absolute, now }
    const checked =
      sync === undefined ? undefined : ofSync?.checkSync(sync, { ...around, isWhole: isWhole('sync') })
    const aroundWatch = {
      ...around,
      written,
      folder,
      syncRules: checked?.rules ?? [],
      isWhole: isWhole('sync') && isWhole('watch'),
    }
    return [
      ...(retention === undefined
        ? []
        : (ofRetention?.checkRetention(retention, config, folder).issues ?? [])),
      ...(checked?.issues ?? []),
      ...(watch === undefined ? [] : (ofWatch?.checkWatch(watch, aroundWatch).issues ?? [])),
      ...(environments === undefined
        ? []
        : (ofGitOps?.checkGitOps(environments, { known, folder }).issues ?? [])),
    ]
  }
}

function hasGitOps(environments: unknown): boolean {
  if (!isRecord(environments)) return false
  return Object.values(environments).some((one) => isRecord(one) && ('gitops' in one || 'git' in one))
}
