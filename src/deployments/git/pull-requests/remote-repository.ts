/** The products whose pages dray knows. */
export type ForgeKind = 'github' | 'gitlab' | 'gitea' | 'bitbucket' | 'bitbucketServer' | 'azure' | 'unknown'

/** A repository on a server with pull requests, from the URL of a remote. */
export interface ForgeRepository {
  readonly kind: ForgeKind
  /** with the port, if it is not the one of HTTPS */
  readonly host: string
  /** such as `acme/deploy`, without `.git` */
  readonly path: string
}

/** Hosts for SSH on port 443, with the hosts of their pages. */
const sshHosts: Readonly<Record<string, string>> = {
  'ssh.github.com': 'github.com',
  'altssh.gitlab.com': 'gitlab.com',
  'altssh.bitbucket.org': 'bitbucket.org',
  'ssh.dev.azure.com': 'dev.azure.com',
  'vs-ssh.visualstudio.com': 'dev.azure.com',
}

/** A part of the name of a host, if the product is not known from the whole name. */
const hostWords: readonly (readonly [word: RegExp, kind: ForgeKind])[] = [
  [/^(?:github\.com|.*\.ghe\.com)$|(?:^|[.-])github(?=[.-])/, 'github'],
  [/(?:^|[.-])gitlab(?=[.-])/, 'gitlab'],
  [/^codeberg\.org$|(?:^|[.-])(?:gitea|forgejo)(?=[.-])/, 'gitea'],
  [/^bitbucket\.org$/, 'bitbucket'],
  [/(?:^|[.-])(?:bitbucket|stash)(?=[.-])/, 'bitbucketServer'],
  [/^dev\.azure\.com$|\.visualstudio\.com$/, 'azure'],
]

/**
 * Returns the repository that a URL of a remote names; undefined for a path on this machine. Users
 * and passwords of the URL are not in the result.
 */
export function parseRemoteUrl(url: string): ForgeRepository | undefined {
  const parts = partsOf(url)
  if (parts === undefined) return undefined
  const name = parts.hostname.toLowerCase()
  const host = sshHosts[name] ?? (parts.port === '' ? name : `${name}:${parts.port}`)
  const kind = hostWords.find(([word]) => word.test(host.split(':')[0] ?? ''))?.[1] ?? 'unknown'
  const path = pathFor(kind, parts.path)
  return path === undefined ? undefined : { kind, host, path }
}

interface UrlParts {
  readonly hostname: string
  readonly port: string
  readonly path: string
}

function partsOf(url: string): UrlParts | undefined {
  if (url.includes('://')) {
    if (!URL.canParse(url)) return undefined
    const { protocol, hostname, port, pathname } = new URL(url)
    if (hostname === '' || protocol === 'file:') return undefined
    const isWeb = protocol === 'https:' || protocol === 'http:'
    return { hostname, port: isWeb ? port : '', path: decoded(pathname) }
  }
  // `git@host:path`, unless a slash precedes the colon (git-fetch(1), "GIT URLS").
  const [, hostname, path] = /^(?:[^@/:]+@)?([^/:[\]]{2,}):(.*)$/s.exec(url) ?? []
  return hostname === undefined || path === undefined ? undefined : { hostname, port: '', path }
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}

function pathFor(kind: ForgeKind, path: string): string | undefined {
  const plain = path.replace(/^\/+|\/+$/g, '').replace(/\.git$/, '')
  if (plain === '' || /\p{Cc}/u.test(plain)) return undefined
  // `v3/organisation/project/repository` with SSH
  if (kind === 'azure') return plain.replace(/^v3\/([^/]+)\/([^/]+)\/([^/]+)$/, '$1/$2/_git/$3')
  if (kind === 'bitbucketServer') return plain.replace(/^scm\//, '')
  return plain
}
