import { type Address, parseAddress } from '../../config/addresses.ts'
import type { Config } from '../../config/config.ts'
import { RegistryNames } from '../../config/registry-names.ts'
import { asUsage } from '../command/usage-error.ts'

/**
 * The address that a word of the command line names, with its registry by the one name that dray uses for it.
 * @param environment that of `--from` or `--env`: with it, a name without a registry is an image of that environment
 * @throws `usage`; `unsupported` for a digest algorithm other than sha256 and sha512.
 */
export function addressNamed(word: string, config: Config, environment?: string): Address {
  const address = asUsage(() => parseAddress(word, environment))
  if (address.kind !== 'reference') return address
  const { reference } = address
  const registry = new RegistryNames(config.registries).canonical(reference.registry)
  return { ...address, reference: { ...reference, registry } }
}
