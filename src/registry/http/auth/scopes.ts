import { isRepositoryPath } from '../../../oci/reference.ts'
import type { Action, Scope } from '../fetch.ts'

/** `pull` before `push`, as registries print them. */
const actionOrder: readonly Action[] = ['pull', 'push', 'delete', 'metadata_read']
/** No honest challenge names more scopes. */
const maxChallengeScope = 2048

/**
 * The scopes of a token: actions by `type:name`, in the order in which they were added. A registry
 * may use the first alone (distribution, Token Scope Documentation).
 */
export type ScopeSet = ReadonlyMap<string, ReadonlySet<string>>

export function scopeSet(scopes: readonly Scope[]): ScopeSet {
  return union(
    ...scopes.map((scope) =>
      'catalog' in scope
        ? new Map([['registry:catalog', new Set<string>([scope.catalog])]])
        : new Map([[`repository:${scope.repository.path}`, new Set<string>(scope.actions)]]),
    ),
  )
}

/** Returns the path of the repository of a scope; undefined for the catalog. */
export function pathOf(scope: Scope | undefined): string | undefined {
  return scope === undefined || 'catalog' in scope ? undefined : scope.repository.path
}

/** Parses the scopes of a challenge, separated by spaces: `repository:team/api:pull,push`. */
export function challengeScopes(text: string): ScopeSet {
  if (text.length > maxChallengeScope) return new Map()
  const sets = text.split(' ').flatMap((scope) => {
    const colon = scope.lastIndexOf(':')
    const actions = scope.slice(colon + 1).split(',')
    return colon <= 0 ? [] : [new Map([[scope.slice(0, colon), new Set(actions)]])]
  })
  return union(...sets)
}

/**
 * The path of the repository that a challenge names instead of those of a request. A registry can
 * know a repository by another name, because a proxy before it adds a prefix. Undefined if the
 * challenge names one of `scopes`, or none.
 */
export function otherRepository(challengeScope: string, scopes: readonly Scope[]): string | undefined {
  const own = scopes.flatMap((scope) => pathOf(scope) ?? [])
  if (own.length === 0) return undefined
  const named = [...challengeScopes(challengeScope)].flatMap(([name, actions]) => {
    const path = name.startsWith('repository:') ? name.slice('repository:'.length) : ''
    return isRepositoryPath(path) && (actions.has('pull') || actions.has('*')) ? [path] : []
  })
  return named.some((path) => own.includes(path)) ? undefined : named[0]
}

/** Whether scopes allow to read repositories and nothing else. */
export function isPullOnly(scopes: readonly Scope[]): boolean {
  return scopes.every((scope) => !('catalog' in scope) && scope.actions.every((action) => action === 'pull'))
}

export function union(...sets: readonly ScopeSet[]): ScopeSet {
  const whole = new Map<string, Set<string>>()
  for (const [name, actions] of sets.flatMap((set) => [...set])) {
    const known = whole.get(name) ?? new Set()
    for (const action of actions) known.add(action)
    whole.set(name, known)
  }
  return whole
}

/** Whether a token for `wide` includes `narrow`. */
export function covers(wide: ScopeSet, narrow: ScopeSet): boolean {
  return [...narrow].every(([name, actions]) => {
    const granted = wide.get(name)
    return granted !== undefined && [...actions].every((action) => granted.has(action))
  })
}

/** Returns one string for each name, as in the `scope` parameter. */
export function formatScopes(set: ScopeSet): string[] {
  return [...set].map(([name, actions]) => {
    const known = actionOrder.filter((action) => actions.has(action))
    return `${name}:${[...new Set([...known, ...actions])].join(',')}`
  })
}
