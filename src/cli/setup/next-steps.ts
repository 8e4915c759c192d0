import type { StartingConfig } from '../../config/starting/starting-config.ts'
import { formatCommandLine } from '../command/command-line.ts'
import type { PromotableImage } from './starting-images.ts'

export interface NextStepsOptions {
  /** `--config`, if dray does not find the file itself */
  readonly file: string | undefined
  /** registries that require a login */
  readonly logins: readonly string[]
  /** undefined: the registry shows no image */
  readonly promotable: PromotableImage | undefined
}

/** The commands to run after a new configuration was written. */
export function listNextSteps(
  { environments, images, retention, gates = [] }: StartingConfig,
  { file, logins, promotable }: NextStepsOptions,
): readonly string[] {
  const config = file === undefined ? [] : ['--config', file]
  const command = (...words: readonly string[]): string => formatCommandLine(['dray', ...words, ...config])
  const { image, tag } = promotable ?? { image: images[0] ?? 'IMAGE', tag: 'TAG' }
  // Without images in the file, dray prune needs a catalog, and the registry may have none.
  const repositories =
    retention === undefined || images.length > 0 ? [] : [`@${retention.environment}/${image}`]
  const at = environments.findIndex(({ name }) => name === promotable?.environment)
  const [from, to] = environments.slice(Math.max(at, 0))
  const promotes = from !== undefined && to !== undefined
  return [
    ...logins.map((registry) => command('login', registry)),
    // It lists the keys that are still missing.
    ...(gates.length === 0 ? [] : [command('config', 'validate')]),
    command('status', ...(images.length === 0 ? [image] : [])),
    ...(promotes ? [command('promote', `${image}:${tag}`, '--from', from.name, '--to', to.name)] : []),
    ...(retention === undefined ? [] : [command('prune', ...repositories)]),
  ]
}
