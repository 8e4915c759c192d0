import type { Config } from '../../config/config.ts'
import { systemClock } from '../../lib/clock.ts'
import type { CredentialSource } from '../../registry/credential.ts'
import { findCredentials, type FindOptions } from '../../registry/credentials/find-credentials.ts'
import type { Bandwidth } from '../../registry/http/bodies/bandwidth.ts'
import { proxyFor } from '../../registry/http/transport/proxy.ts'
import { isPlain } from '../../oci/registry-host.ts'
import { createFetch, type FetchOptions, type FetchStack } from '../../registry/http/stack.ts'
import { findCertificateFolders, certificatesIn, loadRegistrySettings } from './certificates.ts'

/** The options that differ between uses. */
export interface StackOptions extends Pick<
  FetchOptions,
  'userAgent' | 'clock' | 'maxWaitMs' | 'maxAttempts' | 'limits'
> {
  /** only these credentials; by default those that are found */
  readonly credentials?: CredentialSource
}

/** The limit of `transfer.bandwidth`, which is loaded only if it is set. */
async function limitBandwidth({ transfer }: Config): Promise<Bandwidth | undefined> {
  if (transfer?.bandwidth === undefined) return undefined
  const { Bandwidth: Limit } = await import('../../registry/http/bodies/bandwidth.ts')
  return new Limit(transfer.bandwidth, systemClock)
}

/** The HTTP stack with the settings of the configuration and this machine. @throws `config`. */
export async function openStack(
  config: Config,
  find: FindOptions,
  { credentials, ...options }: StackOptions,
): Promise<FetchStack> {
  const { env } = find
  const bandwidth = await limitBandwidth(config)
  const isPlainHttp = (registry: string): boolean => isPlain(registry, config.registries.get(registry))
  return createFetch({
    ...options,
    ...(bandwidth !== undefined && { bandwidth }),
    settings: await loadRegistrySettings(config, env),
    credentials: credentials ?? findCredentials(find, isPlainHttp),
    proxy: (address) => proxyFor(address, env),
    certificates: (registry) => certificatesIn(findCertificateFolders(find.home), registry),
  })
}
