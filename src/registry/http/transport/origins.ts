import { DrayError } from '../../../lib/errors.ts'
import { isPlain, normalRegistry, splitRegistry } from '../../../oci/registry-host.ts'

/** The settings of one registry. */
export interface RegistrySettings {
  /** `true`: plain http; `false`: https even on loopback */
  readonly insecure?: boolean
  /** certificates (PEM) that dray trusts besides the system's */
  readonly ca?: string
  /** the certificate that dray shows if the registry asks for one, at its own host only */
  readonly clientCertificate?: ClientCertificate
  /** the token server on another host that may get credentials */
  readonly tokenRealm?: string
  /**
   * the service of tokens, as the challenge names it; without it, `token-service.ts` checks the
   * challenge
   */
  readonly tokenService?: string
  /** small requests at once */
  readonly concurrency?: number
}

/** PEM. */
export interface ClientCertificate {
  readonly cert: string
  readonly key: string
  /** of the key */
  readonly passphrase?: string
}

/** Returns the setting of a registry in dray.yaml on one line, for hints. */
export function settingLine(registry: string, setting: string): string {
  return `registries: { "${registry}": { ${setting} } }`
}

/** Returns the hint for a registry that does not answer over plain http. */
export function httpsHint(registry: string): string {
  return `If the registry uses https, set in dray.yaml: ${settingLine(registry, 'insecure: false')}`
}

/** By registry, as in references (`docker.io`, `registry.example.com:5000`). */
export type RegistrySettingsMap = ReadonlyMap<string, RegistrySettings>

/**
 * The API of Docker Hub has another host than its references (distribution/reference,
 * normalize.go).
 */
const apiHosts: ReadonlyMap<string, string> = new Map([['docker.io', 'registry-1.docker.io']])

/**
 * Returns the origin of a registry's API: https; or plain http for a loopback address without `ca`,
 * and if `insecure` allows it. A name that only resolves to a loopback address does not count as
 * one: the operator of the resolver would get the credentials.
 * @throws `malformed` for text that is no host, or that a URL would turn into another host.
 */
export function registryOrigin(registry: string, settings: RegistrySettings = {}): URL {
  const named = normalRegistry(registry)
  const scheme = isPlain(named ?? '', settings) ? 'http' : 'https'
  const host = named === undefined ? '' : (apiHosts.get(named) ?? named)
  const url = URL.canParse(`${scheme}://${host}`) ? new URL(`${scheme}://${host}`) : undefined
  if (url === undefined || url.hostname !== splitRegistry(host).host) {
    throw new DrayError('malformed', `${JSON.stringify(registry)} is not a registry's host`)
  }
  return url
}

/** Whether a host is the registry's own one, on any port: a certificate proves the host. */
export function isHome(registry: string, hostname: string): boolean {
  return registryOrigin(registry).hostname === hostname
}

/** Returns the host of a URL for sockets: IPv6 without brackets. */
export function bareHost(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, '')
}

/**
 * Returns the name for SNI (RFC 6066, section 3), which a certificate is verified against. Empty
 * for an IP address, which has no SNI.
 */
export function serverName({ hostname }: URL): string {
  return /^\[|^[\d.]+$/.test(hostname) ? '' : hostname
}

/** Returns the port of an http or https URL, also if it is the usual one. */
export function portOf({ port, protocol }: URL): number {
  if (port !== '') return Number(port)
  return protocol === 'https:' ? 443 : 80
}

/**
 * Changes a URL that a registry names to https if it is of the registry's own host and the registry
 * is reached over https. A registry behind a proxy that ends TLS calls itself http.
 */
export function keepHttps(url: URL, origin: URL): void {
  const isDowngraded = url.protocol === 'http:' && origin.protocol === 'https:'
  if (!isDowngraded || url.hostname !== origin.hostname) return
  if (url.port !== '' && url.port !== origin.port) return
  url.protocol = origin.protocol
  url.port = origin.port
}
