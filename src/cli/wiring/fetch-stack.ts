import type { Config } from '../../config/config.ts'
import type { CredentialSource } from '../../registry/credential.ts'
import { findCredentials, type FindOptions } from '../../registry/credentials/find-credentials.ts'
import { proxyFor } from '../../registry/http/transport/proxy.ts'
import { isPlain } from '../../oci/registry-host.ts'
import { createFetch, type FetchOptions, type FetchStack } from '../../registry/http/stack.ts'
import { certificateFolders, certificatesIn, registrySettings } from './certificates.ts'

/** What differs from one use to another. */
export interface StackOptions extends Pick<
  FetchOptions,
  'userAgent' | 'clock' | 'maxWaitMs' | 'maxTries' | 'limits'
> {
  /** these and no others; those that are found where they are not given */
  readonly credentials?: CredentialSource
}

/** The way to registries, as the configuration and this machine have it. @throws `config`. */
export async function openStack(
  config: Config,
  find: FindOptions,
  { credentials, ...options }: StackOptions,
): Promise<FetchStack> {
  const { env } = find
  const isPlainHttp = (registry: string): boolean => isPlain(registry, config.registries.get(registry))
  return createFetch({
    ...options,
    settings: await registrySettings(config, env),
    credentials: credentials ?? findCredentials(find, isPlainHttp),
    proxy: (address) => proxyFor(address, env),
    certificates: (registry) => certificatesIn(certificateFolders(find.home), registry),
  })
}
