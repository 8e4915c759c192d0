import type { RepositoryName } from '../../oci/reference.ts'
import type { Config } from '../config.ts'
import { findNamesAt } from '../environments.ts'
import type { GateDefinition } from './gate.ts'

/** Whether any environment has gates. Without them, no part of the gates is loaded. */
export function hasGates({ environments }: Pick<Config, 'environments'>): boolean {
  return [...environments.values()].some(({ gates = [] }) => gates.length > 0)
}

/**
 * The gates of a repository: those of every environment that holds it under any of its names, with
 * the name of the image there. The argument of the user does not matter, because gates protect the
 * repository. Gates about other images are included, and their evaluation skips them. A repository
 * that no configured image has is protected too if its path is that of the environment.
 */
export function gatesAt(
  config: Config,
  repository: RepositoryName,
): readonly { readonly gate: GateDefinition; readonly image: string }[] {
  return findNamesAt(config, repository).flatMap(({ environment, image }) =>
    (config.environments.get(environment)?.gates ?? []).map((gate) => ({ gate, image })),
  )
}
