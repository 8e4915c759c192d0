import { DrayError } from '../../../lib/errors.ts'
import { withoutUsualPort } from '../../../oci/registry-host.ts'
import { keepHttps, type RegistrySettings, settingLine } from '../transport/origins.ts'

/**
 * Token servers on another host, as the challenge of the registry names them. They get credentials.
 */
const knownRealms: ReadonlyMap<string, string> = new Map([
  // distribution, Token Authentication Specification: the challenge of its example
  ['docker.io', 'https://auth.docker.io/token'],
  // the challenge of `GET https://registry.hub.docker.com/v2/` (jupyterhub/binderhub, issue 993)
  ['registry.hub.docker.com', 'https://auth.docker.io/token'],
  // gitlab-org/container-registry, docs/spec/gitlab/auth-request-flow.md: the challenge of
  // registry.gitlab.com
  ['registry.gitlab.com', 'https://gitlab.com/jwt/auth'],
  // the challenge of `GET https://registry.digitalocean.com/v2/`, as its clients record it
  ['registry.digitalocean.com', 'https://api.digitalocean.com/v2/registry/auth'],
])

/**
 * The parameters of a token request. dray sets them itself, so a realm must not bring values of its
 * own.
 */
const requestParameters: ReadonlySet<string> = new Set([
  'service',
  'scope',
  'account',
  'client_id',
  'offline_token',
  'access_type',
  'grant_type',
  'refresh_token',
  'username',
  'password',
])

/** A token server that a challenge names, and whether it may get credentials. */
export interface Realm {
  readonly url: URL
  readonly mayHaveCredentials: boolean
}

/**
 * Parses the realm of a Bearer challenge. Credentials go to the registry's own host, to the known
 * pairs and to what the configuration names, and never from an https registry to a plain http
 * server.
 * @throws `protocol` for a realm that is no http URL.
 */
export function readRealm(
  registry: string,
  origin: URL,
  text: string,
  settings: RegistrySettings = {},
): Realm {
  const url = text.length <= 2048 && URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:') || url.username !== '') {
    throw new DrayError('protocol', `the token server that ${registry} names is not an HTTP URL`, {
      subject: registry,
    })
  }
  url.hash = ''
  keepHttps(url, origin)
  // Some servers accept names of parameters in any case.
  const names = Array.from(url.searchParams.keys())
  for (const name of names)
    if (requestParameters.has(name.trim().toLowerCase())) url.searchParams.delete(name)
  return { url, mayHaveCredentials: isTrusted(registry, origin, url, settings) }
}

function isTrusted(registry: string, origin: URL, realm: URL, settings: RegistrySettings): boolean {
  if (realm.protocol === 'http:' && origin.protocol === 'https:') return false
  const known = knownRealms.get(withoutUsualPort(registry))
  if (isSameAddress(realm, settings.tokenRealm) || isSameAddress(realm, known)) return true
  // Over TLS the certificate proves the host on any port. Over plain http, another port can belong
  // to another user.
  return realm.protocol === 'https:' ? realm.hostname === origin.hostname : realm.origin === origin.origin
}

/** Compares origin and path. A challenge may add a query. */
function isSameAddress(realm: URL, allowed: string | undefined): boolean {
  if (allowed === undefined || !URL.canParse(allowed)) return false
  const url = new URL(allowed)
  return url.origin === realm.origin && url.pathname === realm.pathname
}

/** The challenge names a token server of another host that may not get the credentials. */
export function untrustedRealm(registry: string, realm: URL): DrayError {
  const address = `${realm.origin}${realm.pathname}`
  return new DrayError('refused', `dray did not send the credentials for ${registry} to ${realm.host}`, {
    subject: registry,
    why: `the registry requires a token from ${address}, which is another host`,
    hint: `If that server belongs to the registry, add to dray.yaml: ${settingLine(registry, `tokenRealm: "${address}"`)}`,
  })
}

/**
 * A token that comes over plain http from another host is worth nothing, even without credentials.
 */
export function insecureRealm(registry: string, realm: URL): DrayError {
  return new DrayError('refused', `dray did not request a token for ${registry} from ${realm.host}`, {
    subject: registry,
    why: 'that server is another host and uses plain HTTP',
  })
}
