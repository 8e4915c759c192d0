import { DrayError } from '../../../lib/errors.ts'
import { withoutUsualPort } from '../../../oci/registry-host.ts'
import { type RegistrySettings, settingLine } from '../transport/origins.ts'

/**
 * Services that have the form of a host and belong to a registry with another host, as its
 * challenge names them.
 */
const knownServices: ReadonlyMap<string, string> = new Map([
  // distribution, Token Authentication Specification: the challenge of its example
  ['docker.io', 'registry.docker.io'],
  // the challenge of `GET https://registry.hub.docker.com/v2/` (jupyterhub/binderhub, issue 993)
  ['registry.hub.docker.com', 'registry.docker.io'],
])

export interface ServiceCheck {
  readonly registry: string
  readonly origin: URL
  readonly realm: URL
  /** as the challenge names it */
  readonly service: string | undefined
  readonly settings: RegistrySettings | undefined
}

/**
 * Refuses the service of another registry. A registry that shares its token server with others
 * could otherwise get a token that is valid at one of them. A service that has the form of a host
 * must be the host of the registry or of its token server. Other services are names of the token
 * server's own, such as `harbor-registry`.
 * @throws `refused`.
 */
export function checkService(check: ServiceCheck): void {
  const { registry, service, settings } = check
  const pinned = settings?.tokenService
  if (pinned !== undefined) {
    if (service !== pinned) throw notPinned(registry, service, pinned)
    return
  }
  const host = hostNamedBy(service ?? '')
  if (host === undefined || ownHosts(check).has(host)) return
  throw new DrayError('refused', `cannot request a token for ${registry}`, {
    subject: registry,
    why: `dray has credentials, and the registry names a service of another host: ${quote(service)}`,
    hint: `If that service belongs to the registry, add to dray.yaml: ${settingLine(registry, `tokenService: ${quote(service)}`)}`,
  })
}

function ownHosts({ registry, origin, realm }: ServiceCheck): ReadonlySet<string> {
  const known = knownServices.get(withoutUsualPort(registry))
  const hosts = [
    registry.toLowerCase(),
    origin.host,
    origin.hostname,
    ...(known === undefined ? [] : [known]),
  ]
  // another port of the registry's own host can be another registry
  if (realm.hostname !== origin.hostname) hosts.push(realm.host, realm.hostname)
  return new Set(hosts.map(withoutDefaultPort))
}

/** The host that a service names, as a host or as a URL; undefined if it has another form. */
function hostNamedBy(service: string): string | undefined {
  const text = service.trim().toLowerCase()
  const authority = /^(?:(?:[a-z][a-z0-9+.-]*:)?\/\/)?([^/?#]*)/.exec(text)?.[1] ?? ''
  const host = authority.slice(authority.lastIndexOf('@') + 1)
  const isHost = /^(?:[a-z0-9_-]+(?:\.[a-z0-9_-]*)*|\[[0-9a-f:.]+\])(?::\d+)?$/.test(host)
  if (!isHost || !/[.:]|^localhost$/.test(host)) return undefined
  return withoutDefaultPort(host)
}

function withoutDefaultPort(host: string): string {
  return host.replace(/:(?:443|80)$/, '').replace(/\.(?=:\d+$|$)/, '')
}

function notPinned(registry: string, service: string | undefined, pinned: string): DrayError {
  const named = service === undefined ? 'no service' : `the service ${quote(service)}`
  return new DrayError('refused', `cannot request a token for ${registry}`, {
    subject: registry,
    why: `the registry names ${named}, and dray.yaml sets tokenService: ${quote(pinned)}`,
    hint: `Correct registries.${registry}.tokenService in dray.yaml.`,
  })
}

function quote(text: string | undefined): string {
  return JSON.stringify((text ?? '').slice(0, 255))
}
