import { checkTemplate } from '../../config/check/check.ts'
import { checkHost } from '../../config/check/check-registries.ts'
import { environmentName, imagePlaceholder } from '../../config/config.ts'
import { startsWithRegistry } from '../../config/resolver/argument-grammar.ts'
import type { StartingEnvironment } from '../../config/starting/starting-config.ts'
import { DrayError } from '../../lib/errors.ts'
import type { Questions } from '../terminal/ask.ts'

/** The environments that a new configuration has by default. */
const usualEnvironments: readonly string[] = ['dev', 'staging', 'prod']

/** The first component of a path is an account, an organization or a project there. */
const accountRegistries = /^(?:docker\.io|ghcr\.io|quay\.io|registry\.gitlab\.com|.+-docker\.pkg\.dev)$/
/** The account in a default, which a person replaces. It is not valid in a path. */
const namespacePlaceholder = 'NAMESPACE'

/** An environment of `--env`; its registry and path can be missing. */
export interface GivenEnvironment {
  readonly name: string
  readonly registry?: string
  readonly path?: string
}

/** Parses `NAME`, `NAME=PATH` and `NAME=REGISTRY/PATH`. @throws `usage`. */
export function parseEnvironmentFlag(text: string): GivenEnvironment {
  const at = text.indexOf('=')
  const name = at < 0 ? text : text.slice(0, at)
  refuse('--env', name, checkName)
  if (at < 0) return { name }
  const place = text.slice(at + 1)
  refuse('--env', place, checkRepository)
  return { name, ...splitRepository(place) }
}

/** Adds the missing registries and paths: each is like that of the environment before. */
export function completeEnvironments(
  given: readonly GivenEnvironment[],
  registry: string | undefined,
): readonly StartingEnvironment[] {
  const found: StartingEnvironment[] = []
  for (const { name, ...own } of given) {
    const host = own.registry ?? registry ?? found.at(-1)?.registry
    if (host === undefined)
      throw new DrayError('usage', `the registry of ${name} is missing`, { hint: 'Pass --registry HOST.' })
    const path = own.path ?? usualPath(name, host, found.at(-1))
    if (path.startsWith(namespacePlaceholder)) {
      throw new DrayError('usage', `--env ${name}: the path is missing`, {
        why: `a path in ${host} begins with an account or an organization`,
        hint: `Write it: --env '${name}=${path}'.`,
      })
    }
    found.push({ name, registry: host, path })
  }
  refuseSame(found)
  return found
}

/** The flags for the same environments, without what dray adds itself. */
export function formatEnvironmentFlags(environments: readonly StartingEnvironment[]): readonly string[] {
  const [first] = environments
  if (first === undefined) return []
  const flags = environments.flatMap(({ name, registry, path }, i) => {
    const host = registry === first.registry ? '' : `${registry}/`
    const isUsual = host === '' && path === usualPath(name, registry, environments[i - 1])
    return ['--env', isUsual ? name : `${name}=${host}${path}`]
  })
  return ['--registry', first.registry, ...flags]
}

/** Asks for the environments, then for the repository of each. @throws `interrupted`. */
export async function askEnvironments(
  questions: Questions,
  registry: string,
): Promise<readonly StartingEnvironment[]> {
  const names = await questions.enter(
    'Environments, in promotion order:',
    (text) => checkNames(splitList(text)),
    usualEnvironments.join(', '),
  )
  const found: StartingEnvironment[] = []
  for (const name of splitList(names)) {
    const before = found.at(-1)
    const host = before?.registry ?? registry
    const text = await questions.enter(
      `Repository in ${name}:`,
      (given) =>
        checkRepository(given) ?? findSame({ name, registry: host, ...splitRepository(given) }, found),
      `${host}/${usualPath(name, host, before)}`,
    )
    found.push({ name, registry: host, ...splitRepository(text) })
  }
  return found
}

/** Splits a list at commas and blanks. */
export function splitList(text: string): readonly string[] {
  return [...new Set(text.split(/[\s,]+/).filter((word) => word !== ''))]
}

/** @throws `usage` if a value of a flag has a problem. */
export function refuse(
  flag: string,
  value: string | undefined,
  check: (text: string) => string | undefined,
): void {
  const problem = value === undefined ? undefined : check(value)
  if (problem !== undefined) throw new DrayError('usage', `${flag} ${JSON.stringify(value)}: ${problem}`)
}

/** Returns the problem of the name of an environment, or undefined. */
export function checkName(name: string): string | undefined {
  if (environmentName.test(name)) return undefined
  return `${JSON.stringify(name)} is not the name of an environment: use lower-case letters, digits and "-"`
}

function checkNames(names: readonly string[]): string | undefined {
  if (names.length === 0) return 'Enter at least one name.'
  return names.map(checkName).find((problem) => problem !== undefined)
}

/**
 * `dev/{image}`, or the path before with the name of this environment. In a registry of accounts,
 * it begins with a placeholder for the account.
 */
function usualPath(name: string, registry: string, last: StartingEnvironment | undefined): string {
  const before = last?.registry === registry ? last : undefined
  if (before === undefined) {
    const needsAccount = accountRegistries.test(registry)
    return needsAccount
      ? `${namespacePlaceholder}/${imagePlaceholder}-${name}`
      : `${name}/${imagePlaceholder}`
  }
  const [start = '', end = ''] = before.path.split(imagePlaceholder)
  const isName = new RegExp(`(?<![a-z0-9])${before.name}(?![a-z0-9])`)
  if (!isName.test(start) && !isName.test(end)) return `${name}/${imagePlaceholder}`
  const renamed = (part: string): string => part.replace(isName, () => name)
  return isName.test(start)
    ? `${renamed(start)}${imagePlaceholder}${end}`
    : `${start}${imagePlaceholder}${renamed(end)}`
}

/** Parses `PATH` or `REGISTRY/PATH`; the registry is as in references. */
function splitRepository(text: string): { readonly registry?: string; readonly path: string } {
  if (!startsWithRegistry(text)) return { path: text }
  const slash = text.indexOf('/')
  return { registry: text.slice(0, slash), path: text.slice(slash + 1) }
}

function checkRepository(text: string): string | undefined {
  const { registry, path } = splitRepository(text)
  if (path.startsWith(namespacePlaceholder))
    return `Replace ${namespacePlaceholder} with your account or organization.`
  return (registry === undefined ? undefined : checkHost(registry)) ?? checkTemplate(path)
}

function refuseSame(environments: readonly StartingEnvironment[]): void {
  for (const [i, one] of environments.entries()) {
    const before = environments.slice(0, i)
    if (before.some(({ name }) => name === one.name))
      throw new DrayError('usage', `--env ${one.name} is given twice`)
    const same = findSame(one, before)
    if (same !== undefined) throw new DrayError('usage', same)
  }
}

function findSame(one: StartingEnvironment, others: readonly StartingEnvironment[]): string | undefined {
  const same = others.find(({ registry, path }) => registry === one.registry && path === one.path)
  return same && `${one.name} and ${same.name} have the same repository: ${one.registry}/${one.path}`
}
