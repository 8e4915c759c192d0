import { formatRepository } from '../oci/reference.ts'
import type { Placement, PlacementEnd } from '../plan/plan.ts'
import { escapeText } from './text/escape.ts'

/** A repository as a person writes it, with its tag. */
function formatEnd(end: PlacementEnd): string {
  const { repository, tag } = end
  const name = formatRepository(repository)
  return escapeText(tag === undefined ? name : `${name}:${tag}`)
}

/** The environment, or the repository if there is none. */
export function formatEndName(end: PlacementEnd): string {
  return end.environment === undefined ? formatEnd(end) : escapeText(end.environment)
}

/** The repository, after its environment if it has one: `prod (example.com/prod/api)`. */
export function formatEndInEnvironment(end: PlacementEnd): string {
  const repository = formatEnd(end)
  return end.environment === undefined ? repository : `${formatEndName(end)} (${repository})`
}

/**
 * `staging -> prod`, or `-> prod` if `shown`, which precedes it, is the source. If the environment
 * has several targets, with the registry: `staging -> prod (eu.example.com)`.
 */
export function formatPath({ from, to }: Placement, shown: string, all: readonly Placement[]): string {
  const arrow = `-> ${formatDestination({ image: shown, to }, all)}`
  return formatEnd(from) === escapeText(shown) ? arrow : `${formatEndName(from)} ${arrow}`
}

/**
 * `prod`, with the registry if there are several targets, or with the repository if targets share
 * the registry; the repository without an environment.
 */
export function formatDestination(
  { image, to }: Pick<Placement, 'image' | 'to'>,
  all: readonly Pick<Placement, 'image' | 'to'>[],
): string {
  if (to.environment === undefined) return formatEndName(to)
  const others = all.filter((other) => other.image === image && !isSameEnd(other.to, to))
  if (others.length === 0) return formatEndName(to)
  const { registry } = to.repository
  const isShared = others.some((other) => other.to.repository.registry === registry)
  const which = isShared ? formatRepository(to.repository) : registry
  return `${formatEndName(to)} (${escapeText(which)})`
}

/** Whether two ends are the same repository. */
export function isSameEnd(a: PlacementEnd, b: PlacementEnd): boolean {
  return formatRepository(a.repository) === formatRepository(b.repository)
}
