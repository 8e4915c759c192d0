import { checkPath, layoutRegistry, refuseScheme, wholePath } from '../../oci/reference.ts'
import { findProblem } from '../check/find-problem.ts'
import { notAHost, registryOf } from '../check/check-registries.ts'
import { noEnvironment } from '../check/unknown-name.ts'
import { environmentName } from '../config.ts'
import type { Path } from '../key-path.ts'
import { parseArgument } from '../resolver/argument-grammar.ts'
import type { RuleContext } from './rule-context.ts'
import { repositoryPlaceholder, type SyncDestination, type SyncSource } from './sync-rule.ts'

/** Parses `from`; undefined if it has a mistake, which is reported. */
export function readSource(text: string, path: Path, context: RuleContext): SyncSource | undefined {
  const place = readPlace(text, path, context)
  if (place?.kind !== 'registry' || place.path === '') return asSource(place)
  const problem = findProblem(() => checkPath(place.path, text))
  if (problem === undefined) return asSource(place)
  context.report(path, place.path.includes(repositoryPlaceholder) ? onlyInTo : problem)
  return undefined
}

/** Parses an entry of `to`; undefined if it has a mistake, which is reported. */
export function readDestination(text: string, path: Path, context: RuleContext): SyncDestination | undefined {
  const place = readPlace(text, path, context)
  if (place === undefined || place.kind === 'environment') return place
  const template = place.kind === 'layout' ? place.folder : place.path
  const parts = template.split(repositoryPlaceholder)
  const problem =
    parts.length > 2
      ? `must contain ${repositoryPlaceholder} only once`
      : place.kind === 'registry'
        ? problemOfPath(place, text)
        : undefined
  if (problem !== undefined) {
    context.report(path, problem)
    return undefined
  }
  if (place.kind === 'layout') return place
  const isTemplate = parts.length === 2
  return { ...place, path: isTemplate ? place.path : wholePath(place.registry, place.path) }
}

const onlyInTo = `${repositoryPlaceholder} is only valid in \`to\`: write the path before it`

/** A registry with an unchecked path, which can be empty. */
interface WrittenRegistry {
  readonly kind: 'registry'
  readonly registry: string
  readonly path: string
}

type WrittenPlace = WrittenRegistry | Exclude<SyncSource, { readonly kind: 'registry' }>

function asSource(place: WrittenPlace | undefined): SyncSource | undefined {
  if (place?.kind !== 'registry') return place
  return { kind: 'registry', registry: place.registry, prefix: place.path }
}

function readPlace(text: string, path: Path, context: RuleContext): WrittenPlace | undefined {
  if (text.startsWith('@')) return readEnvironment(text.slice(1), path, context)
  if (text.startsWith(layoutRegistry)) return readLayout(text, path, context)
  const slash = text.indexOf('/')
  const host = slash < 0 ? text : text.slice(0, slash)
  const registry = registryOf(host)
  const problem = findProblem(() => refuseScheme(text))
  if (problem === undefined && registry !== undefined)
    return {
      kind: 'registry',
      registry: context.names.canonical(registry),
      path: slash < 0 ? '' : text.slice(slash + 1),
    }
  context.report(path, problem ?? notAPlace(text, host))
  return undefined
}

/** In a reference, a first component without a dot or a port is a path of Docker Hub. */
function notAPlace(text: string, host: string): string {
  const isPath = findProblem(() => checkPath(text.replaceAll(repositoryPlaceholder, 'a'))) === undefined
  if (!isPath) return notAHost(host)
  return `the registry of ${JSON.stringify(text)} is missing; write docker.io/${text} for Docker Hub, or @NAME for an environment`
}

function readEnvironment(name: string, path: Path, context: RuleContext): WrittenPlace | undefined {
  const { known, report } = context
  const slash = name.indexOf('/')
  const environment = slash < 0 ? name : name.slice(0, slash)
  if (!environmentName.test(environment))
    report(path, `${JSON.stringify(environment)} is not the name of an environment`)
  else if (slash >= 0) {
    const image = name.slice(slash + 1)
    report(path, `write @${environment} here, and the name ${JSON.stringify(image)} under \`repositories\``)
  } else if (!known.environments.includes(environment))
    report(path, noEnvironment(environment, known.environments))
  else return { kind: 'environment', environment }
  return undefined
}

function readLayout(text: string, path: Path, { absolute, report }: RuleContext): WrittenPlace | undefined {
  const problem = findProblem(() => parseArgument(text))
  if (problem !== undefined) {
    report(path, problem)
    return undefined
  }
  const argument = parseArgument(text)
  if (argument.kind !== 'layout' || argument.tag !== undefined || argument.digest !== undefined) {
    report(path, 'the folder of an image layout has no tag or digest here: select tags with `include`')
    return undefined
  }
  return { kind: 'layout', folder: absolute(argument.folder) }
}

function problemOfPath({ path, registry }: WrittenRegistry, text: string): string | undefined {
  if (path === '') return `the path is missing: write ${registry}/${repositoryPlaceholder}`
  return findProblem(() => checkPath(path.replace(repositoryPlaceholder, 'a'), text))
}
