/**
 * Docker Hub has several hosts (distribution/reference, normalize.go; docker/hub-tool, pull request
 * 107).
 */
const dockerHub = 'docker.io'
const dockerHubHosts: ReadonlySet<string> = new Set([dockerHub, 'index.docker.io', 'registry-1.docker.io'])

const label = '[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?'
// The grammar of github.com/distribution/reference (regexp.go) and a dot at the end, which DNS
// allows.
const hostGrammar = new RegExp(`^(?:(${label}(?:\\.${label})*)\\.?|(\\[[a-fA-F0-9:]+\\]))(?::([0-9]+))?$`)
const octet = '(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])'
const ipv4Grammar = new RegExp(`^${octet}(?:\\.${octet}){3}$`)
const maxLength = 300

/** The parts of a registry's name. */
export interface RegistryParts {
  /** IPv6 in brackets */
  readonly host: string
  readonly port?: string
}

/**
 * Returns the one spelling of a registry's host and port: lower case, no dot at the end, no leading
 * zeros in the port, IPv6 as RFC 5952 writes it, an IPv4 address in IPv6 as IPv4, and `docker.io`
 * for the hosts of Docker Hub. A port stays, also if it is the usual one: which port is usual
 * depends on dray.yaml (`RegistryNames`). Undefined if the text is no host, and if a URL parser
 * would connect to another host than the written one: `127.1`, `0x7f.0.0.1`.
 */
export function normalRegistry(text: string): string | undefined {
  if (text.length > maxLength) return undefined
  const [whole, name, ipv6, digits] = hostGrammar.exec(text) ?? []
  if (whole === undefined) return undefined
  const host = ipv6 === undefined ? normalName(name ?? '') : normalIpv6(ipv6)
  const port = digits === undefined ? '' : normalPort(digits)
  if (host === undefined || port === undefined) return undefined
  if (dockerHubHosts.has(host) && (port === '' || port === ':443')) return dockerHub
  return `${host}${port}`
}

/** Returns host and port of a registry in its normal form. */
export function splitRegistry(registry: string): RegistryParts {
  const [, host = registry, port] = /^(\[.*\]|[^:]*)(?::([0-9]+))?$/.exec(registry) ?? []
  return { host, ...(port !== undefined && { port }) }
}

/** Whether a host is `localhost` or an address of the loopback network, by its text alone. */
export function isLoopback(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '').toLowerCase()
  if (host === 'localhost' || host === '::1') return true
  return host.startsWith('127.') && ipv4Grammar.test(host)
}

/**
 * Whether a registry in its normal form is reached over plain http, by its settings in dray.yaml.
 */
export function isPlain(
  registry: string,
  { insecure, ca }: { readonly insecure?: boolean; readonly ca?: string } = {},
): boolean {
  return insecure ?? (ca === undefined && isLoopback(splitRegistry(registry).host))
}

/**
 * Returns a registry in its normal form without the port, if that is the usual one of its scheme.
 * @param isPlainHttp whether the registry without a port is reached over plain http; by default
 * only loopback names are
 */
export function withoutUsualPort(registry: string, isPlainHttp?: boolean): string {
  const { host, port } = splitRegistry(registry)
  // Without a port, such a host would be parsed as a part of the path.
  if (host !== 'localhost' && !/[.[]/.test(host)) return registry
  return port === ((isPlainHttp ?? isPlain(host)) ? '80' : '443') ? host : registry
}

function normalName(text: string): string | undefined {
  const name = text.toLowerCase()
  // URL parsers take a name whose last label is a number for an IPv4 address (WHATWG URL, "ends in
  // a number checker").
  const endsInNumber = /(?:^|\.)(?:[0-9]+|0x[0-9a-f]*)$/.test(name)
  return endsInNumber && !ipv4Grammar.test(name) ? undefined : name
}

function normalIpv6(text: string): string | undefined {
  const url = `http://${text}`
  if (!URL.canParse(url)) return undefined
  const host = new URL(url).hostname
  const [, high, low] = /^\[::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})\]$/.exec(host) ?? []
  if (high === undefined || low === undefined) return host
  return [high, low]
    .map((group) => Number.parseInt(group, 16))
    .flatMap((group) => [group >> 8, group & 0xff])
    .join('.')
}

function normalPort(digits: string): string | undefined {
  const port = digits.replace(/^0+/, '')
  return port !== '' && port.length <= 5 && Number(port) <= 65_535 ? `:${port}` : undefined
}
