import { loadConfig } from '../../../config/load.ts'
import type { LoadedConfig } from '../../../config/parse.ts'
import { trustedOwners } from '../../../lib/files/ownership.ts'
import { homeFolder } from '../../../lib/files/user-folders.ts'

interface OpenConfigOptions {
  /** `--config` */
  readonly configFile: string | undefined
  readonly env: Readonly<Record<string, string | undefined>>
  /** the working directory, absolute */
  readonly cwd: string
  /** milliseconds since 1970 */
  readonly now: number
}

/** Reads `dray.yaml` for a run. @throws as `loadConfig`. */
export async function openConfig({ configFile, env, cwd, now }: OpenConfigOptions): Promise<LoadedConfig> {
  const file = configFile ?? env['DRAY_CONFIG']
  const surroundings = { cwd, home: homeFolder(env), owners: trustedOwners(env), now }
  return await loadConfig({ ...surroundings, ...(file !== undefined && { file }) })
}
