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

/** Returns the mistakes of `retention`, `sync` and the keys about deployment files. */
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
  const [ofRetention, ofSync, ofGitOps] = await Promise.all([
    'retention' in file ? import('../retention/check-retention.ts') : undefined,
    'sync' in file ? import('../sync/check-sync.ts') : undefined,
    hasGitOps(file['environments']) ? import('../gitops/check-gitops.ts') : undefined,
  ])
  const absolute = (path: string): string => resolve(folder, path)
  return ({ retention, sync, environments }, { config, known, broken }) => {
    const isWhole = !broken.some(({ path }) => path[0] === 'sync')
    return [
      ...(retention === undefined
        ? []
        : (ofRetention?.checkRetention(retention, config, folder).issues ?? [])),
      ...(sync === undefined
        ? []
        : (ofSync?.checkSync(sync, { config, known, absolute, now, isWhole }).issues ?? [])),
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
