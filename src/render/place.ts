import { formatRepository } from '../oci/reference.ts'
import type { PlacementEnd as Place, Placement } from '../plan/plan.ts'
import { escapeText } from './text/escape.ts'

/** A repository as a person writes it, with its tag. */
export function formatPlace(place: Place): string {
  const { repository, tag } = place
  const name = formatRepository(repository)
  return escapeText(tag === undefined ? name : `${name}:${tag}`)
}

/** The environment, or the repository if there is none. */
export function nameOfPlace(place: Place): string {
  return place.environment === undefined ? formatPlace(place) : escapeText(place.environment)
}

/**
 * `staging -> prod`, or `-> prod` if `said`, which precedes it, is the source. If the environment
 * has several targets, with the registry: `staging -> prod (eu.example.com)`.
 */
export function formatRoute({ from, to }: Placement, said: string, all: readonly Placement[]): string {
  const arrow = `-> ${formatWhere({ image: said, to }, all)}`
  return formatPlace(from) === escapeText(said) ? arrow : `${nameOfPlace(from)} ${arrow}`
}

/**
 * `prod`, with the registry if there are several targets; the repository without an environment.
 */
export function formatWhere(
  { image, to }: Pick<Placement, 'image' | 'to'>,
  all: readonly Placement[],
): string {
  const isOneOfSeveral = all.some((other) => other.image === image && !isSamePlace(other.to, to))
  const which =
    isOneOfSeveral && to.environment !== undefined ? ` (${escapeText(to.repository.registry)})` : ''
  return `${nameOfPlace(to)}${which}`
}

function isSamePlace(a: Place, b: Place): boolean {
  return formatRepository(a.repository) === formatRepository(b.repository)
}
