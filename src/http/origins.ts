import { DrayError } from '../errors.ts'

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
 * The origin at which a registry's API is: https, or plain http for a loopback address that has no `ca`, or where `insecure` says so.
 * A name that only resolves to a loopback address is none: whoever runs the resolver would get the credentials.
 * @throws `malformed` for text that is no host.
 */
export function registryOrigin(registry: string, settings: RegistrySettings = {}): URL {
  const scheme = isPlain(registry, settings) ? 'http' : 'https'
  const host = apiHosts.get(registry) ?? registry
  const url = URL.canParse(`${scheme}://${host}`) ? new URL(`${scheme}://${host}`) : undefined
  if (
    url === undefined ||
    url.pathname !== '/' ||
    url.username !== '' ||
    url.search !== '' ||
    url.hash !== ''
  ) {
    throw new DrayError('malformed', `${JSON.stringify(registry)} is not a registry's host`)
  }
  return url
}

/** Whether a host is the registry's own one. A port makes no difference: a certificate proves the host. */
export function isHome(registry: string, hostname: string): boolean {
  return registryOrigin(registry).hostname === hostname
}

function isPlain(registry: string, settings: RegistrySettings): boolean {
  if (settings.insecure !== undefined) return settings.insecure
  return settings.ca === undefined && isLoopback(hostOf(registry))
}

/** Whether a host is `localhost` or an address of the loopback network, by its text alone. */
export function isLoopback(hostname: string): boolean {
  const host = bareHost(hostname).toLowerCase()
  if (host === 'localhost' || host === '::1') return true
  return /^127(?:\.(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)){3}$/.test(host)
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

function hostOf(registry: string): string {
  return registry.startsWith('[')
    ? registry.slice(0, registry.indexOf(']') + 1)
    : (registry.split(':')[0] ?? '')
}
