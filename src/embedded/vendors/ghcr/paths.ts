import type { VendorState } from '../vendor.ts'
import { loginOf } from './accounts.ts'
import type { GitHubAccount } from './answers.ts'

/** How a path names the owner of packages. */
type OwnerPath = 'orgs' | 'users' | 'user'

export interface GitHubRoute {
  /** of the API; empty, or of Enterprise Server */
  readonly prefix: string
  readonly owner: OwnerPath
  /** undefined: the user of the request */
  readonly login: string | undefined
  /** the segments after the owner, decoded */
  readonly rest: readonly string[]
}

const githubPath = /^(\/api\/v3)?\/(orgs|users|user|organizations)(\/.*)?$/

/** Parses a path. A slash in the name of a package is `%2F`, because each segment is decoded. */
export function routeOf(path: string, state: VendorState): GitHubRoute | undefined {
  const [, prefix = '', owner = '', rest = ''] = githubPath.exec(path) ?? []
  if (owner === '') return undefined
  const segments = rest.split('/').slice(1).map(decoded)
  const [first = ''] = segments
  if (owner === 'organizations') {
    return { prefix, owner: 'orgs', login: loginOf(first, state) ?? '', rest: segments.slice(1) }
  }
  if (owner === 'orgs' || owner === 'users') return { prefix, owner, login: first, rest: segments.slice(1) }
  return /^\d+$/.test(first)
    ? { prefix, owner: 'users', login: loginOf(first, state) ?? '', rest: segments.slice(1) }
    : { prefix, owner: 'user', login: undefined, rest: segments }
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}

/** The paths of a package in answers. */
export interface PackagePath {
  readonly repository: string
  readonly name: string
  /** of the package in answers, and the same with the number of the account, as in `Link` */
  readonly path: string
  readonly numbered: string
  readonly html: string
}

/** @param name of the package, decoded */
export function packagePath(
  { prefix, owner }: GitHubRoute,
  { login, id, type }: GitHubAccount,
  name: string,
): Omit<PackagePath, 'repository'> {
  const end = `packages/container/${encodeURIComponent(name)}`
  const kind = type === 'User' ? 'users' : 'orgs'
  const number = owner === 'user' ? 'user' : type === 'User' ? `user/${id}` : `organizations/${id}`
  return {
    name,
    path: `${prefix}/${kind}/${login}/${end}`,
    numbered: `${prefix}/${number}/${end}`,
    html: `/${kind}/${login}/packages/container/package/${encodeURIComponent(name)}`,
  }
}
