import { DrayError } from '../../../lib/errors.ts'
import { isPlain, normalRegistry, splitRegistry } from '../../../oci/registry-host.ts'

/** What the configuration says about one registry. */
export interface RegistrySettings {
  /** `true`: plain http; `false`: https even on loopback */
  readonly insecure?: boolean
  /** certificates (PEM) that are trusted besides the system's */
  readonly ca?: string
  /** what this machine shows of itself where the registry asks for it, at its own host alone */
  readonly clientCertificate?: ClientCertificate
  /** the token server that credentials may be sent to, if it is on another host */
  readonly tokenRealm?: string
  /** the service that tokens are requested for, as the challenge names it; checked by `token-service.ts` if absent */
  readonly tokenService?: string
  /** how many small requests may be under way at once */
  readonly concurrency?: number
}

/** PEM. */
export interface ClientCertificate {
  readonly cert: string
  readonly key: string
  /** of the key */
  readonly passphrase?: string
}

/** The lines of dray.yaml that set something for one registry, on one line, for hints. */
export function settingLine(registry: string, setting: string): string {
  return `registries: { "${registry}": { ${setting} } }`
}

/** What to do where plain http leads to nothing. */
export function httpsHint(registry: string): string {
  return `It was asked over plain http. If it speaks https, say so in dray.yaml: ${settingLine(registry, 'insecure: false')}`
}

/** By registry as references name it (`docker.io`, `registry.example.com:5000`). */
export type RegistrySettingsMap = ReadonlyMap<string, RegistrySettings>

/** Docker Hub's API is not served under the name that references have (distribution/reference, normalize.go). */
const apiHosts: ReadonlyMap<string, string> = new Map([['docker.io', 'registry-1.docker.io']])

/**
 * The origin of a registry's API: https; or plain http for a loopback address without `ca`, and if `insecure` allows it.
 * A name that only resolves to a loopback address does not count as one: the operator of the resolver would get the credentials.
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

/** Whether a host is the registry's own one. A port makes no difference: a certificate proves the host. */
export function isHome(registry: string, hostname: string): boolean {
  return registryOrigin(registry).hostname === hostname
}

/** The host of a URL as sockets take it: IPv6 without brackets. */
export function bareHost(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, '')
}

/** The name for SNI (RFC 6066, 3), which a certificate is verified against; empty for an IP address, which has no SNI. */
export function serverName({ hostname }: URL): string {
  return /^\[|^[\d.]+$/.test(hostname) ? '' : hostname
}

/** The port of an http or https URL, also where it is the usual one. */
export function portOf({ port, protocol }: URL): number {
  if (port !== '') return Number(port)
  return protocol === 'https:' ? 443 : 80
}
