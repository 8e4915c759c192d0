import { formatRepository } from '../oci/reference.ts'
import type { Place, Placement } from '../plan/plan.ts'
import { escapeText } from './escape.ts'

/** A repository as a person writes it: a layout by its folder, without the `oci:` that is its registry's name. */
export function formatPlace(place: Place): string {
  const { repository, tag } = place
  const name = repository.registry === 'oci:' ? `oci:${repository.path}` : formatRepository(repository)
  return escapeText(tag === undefined ? name : `${name}:${tag}`)
}

/** The environment where it is in one, else the repository. */
export function nameOfPlace(place: Place): string {
  return place.environment === undefined ? formatPlace(place) : escapeText(place.environment)
}

/** `staging -> prod`, with the repository where the name of an environment does not tell all. */
export function formatRoute({ from, to }: Placement): string {
  return `${nameOfPlace(from)} -> ${nameOfPlace(to)}`
}
