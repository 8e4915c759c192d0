import { DrayError } from '../../../lib/errors.ts'
import { isLoopback, withoutUsualPort } from '../../../oci/registry-host.ts'
import { settingLine } from '../../http/transport/origins.ts'
import type { KnownVendor } from '../../known-vendors.ts'

/** The settings of a vendor's API in `registries.HOST` of dray.yaml. */
export interface ApiSettings {
  readonly api?: string
  readonly tokenEnv?: string
}

/** A registry and its vendor. */
export interface RegistryOfVendor {
  readonly registry: string
  /** of the registry's own API */
  readonly origin: URL
  readonly vendor: KnownVendor
}

/**
 * Returns the URL of the API without a slash at its end: the one of dray.yaml, or the one that
 * belongs to the vendor.
 * @param isInsecure whether dray.yaml allows plain http to a host
 * @throws `config` for plain http to a host on the network that dray.yaml does not allow it for.
 */
export function baseOfApi(
  { registry, origin, vendor }: RegistryOfVendor,
  { api }: ApiSettings,
  isInsecure: (host: string) => boolean,
): URL {
  if (api === undefined) {
    const isOwn = vendor.api === 'registry' || vendor.api === 'signed'
    return new URL(isOwn ? origin : vendor.api)
  }
  const setting = `registries.${registry}.api`
  const url = URL.canParse(api) ? new URL(api) : undefined
  if (url === undefined || url.search !== '' || url.username !== '' || url.password !== '')
    throw new DrayError('config', `${setting} is not the URL of an API`, {
      subject: registry,
      hint: `Write scheme, host and path only: ${settingLine(registry, `api: "https://HOST"`)}`,
    })
  url.pathname = url.pathname.replace(/\/+$/, '')
  const isPlainAllowed = url.origin === origin.origin || isLoopback(url.hostname) || isInsecure(url.host)
  if (url.protocol === 'https:' || isPlainAllowed) return url
  throw new DrayError('config', `${setting} uses plain HTTP`, {
    subject: registry,
    why: 'others on the network path could read the token and change the answers',
    hint: `Use https. If the network path is safe, allow it: ${settingLine(url.host, 'insecure: true')}`,
  })
}

/** The source of the secret that the API may get. */
export type SecretSource = 'tokenEnv' | 'registry' | 'none'

/**
 * Returns the source of the secret for an API. The credentials of a registry go to its own origin
 * and to the API of a known pair. Another API gets only the token that dray.yaml names for it.
 */
export function secretSource(
  { registry, origin, vendor }: RegistryOfVendor,
  base: URL,
  { tokenEnv }: ApiSettings,
): SecretSource {
  if (vendor.api === 'signed') return 'none'
  if (tokenEnv !== undefined) return 'tokenEnv'
  if (base.origin === origin.origin) return 'registry'
  const isVendorsHost = vendor.hosts?.test(withoutUsualPort(registry)) === true
  const isPair = isVendorsHost && origin.protocol === 'https:' && base.origin === vendor.api
  return isPair && base.protocol === 'https:' ? 'registry' : 'none'
}
