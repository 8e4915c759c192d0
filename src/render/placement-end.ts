import { formatRepository } from '../oci/reference.ts'
import type { Placement, PlacementEnd } from '../plan/plan.ts'
import { escapeText } from './text/escape.ts'

/** A repository as a person writes it, with its tag. */
export function formatEnd(end: PlacementEnd): string {
  const { repository, tag } = end
  const name = formatRepository(repository)
  return escapeText(tag === undefined ? name : `${name}:${tag}`)
}

/** The environment, or the repository if there is none. */
export function formatEndName(end: PlacementEnd): string {
  return end.environment === undefined ? formatEnd(end) : escapeText(end.environment)
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
 * `prod`, with the registry if there are several targets; the repository without an environment.
 */
export function formatDestination(
  { image, to }: Pick<Placement, 'image' | 'to'>,
  all: readonly Placement[],
): string {
  const isOneOfSeveral = all.some((other) => other.image === image && !isSameEnd(other.to, to))
  const which =
    isOneOfSeveral && to.environment !== undefined ? ` (${escapeText(to.repository.registry)})` : ''
  return `${formatEndName(to)}${which}`
}

function isSameEnd(a: PlacementEnd, b: PlacementEnd): boolean {
  return formatRepository(a.repository) === formatRepository(b.repository)
}
