import type { Address } from '../../config/addresses.ts'
import type { Config } from '../../config/config.ts'
import { repositoriesOf } from '../../config/environments.ts'
import { DrayError } from '../../lib/errors.ts'
import { layoutRegistry, type RepositoryName, tagOrDigest, type TagOrDigest } from '../../oci/reference.ts'
import { addressNamed } from './address-word.ts'
import { notAnImage } from '../command/usage-error.ts'

export interface Located {
  /** one for each target of the environment; at least one */
  readonly repositories: readonly [RepositoryName, ...RepositoryName[]]
  /** the digest, else the tag, else `latest` */
  readonly at: TagOrDigest
  /** whether a tag or digest was named */
  readonly isExact: boolean
}

/** Where the word of a command line points to. @throws `usage`; `unsupported` for a digest other than sha256 and sha512. */
export function locate(word: string, config: Config): Located {
  const address = addressNamed(word, config)
  if (address.kind === 'environment') {
    throw notAnImage(address.environment)
  }
  const named = address.kind === 'reference' ? address.reference : address
  return {
    repositories: repositoriesAt(address, config),
    at: tagOrDigest(named),
    isExact: named.tag !== undefined || named.digest !== undefined,
  }
}

function repositoriesAt(
  address: Exclude<Address, { kind: 'environment' }>,
  config: Config,
): Located['repositories'] {
  switch (address.kind) {
    case 'reference': {
      const { registry, path } = address.reference
      return [{ registry, path }]
    }
    case 'layout':
      return [{ registry: layoutRegistry, path: address.folder }]
    case 'image': {
      const [first, ...more] = repositoriesOf(config, address.environment, address.image)
      if (first === undefined) throw new DrayError('internal', `${address.environment} has no target`)
      return [first, ...more]
    }
  }
}
