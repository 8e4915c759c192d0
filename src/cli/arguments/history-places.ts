import type { Config } from '../../config/config.ts'
import { imagesAt, repositoriesOf } from '../../config/environments.ts'
import type { HistorySubject } from '../../usecases/views/history/gather-history.ts'
import type { HistoryPlace } from '../../usecases/views/history/history.ts'
import { formatRepository, layoutRegistry } from '../../oci/reference.ts'
import { addressNamed } from './address-word.ts'
import { notAnImage } from '../command/usage-error.ts'

export interface HistoryRequest {
  /** every target of every environment, in the order of the configuration; else the one repository that was named */
  readonly places: readonly HistoryPlace[]
  readonly subject: HistorySubject
}

/** Whose history is asked for, and where it is to be looked for. @throws `usage`. */
export function historyRequest(word: string, limit: number | undefined, config: Config): HistoryRequest {
  const [first] = config.environments.keys()
  const address = addressNamed(word, config, first)
  switch (address.kind) {
    case 'environment':
      throw notAnImage(address.environment)
    case 'image':
      return { places: placesOf(config, address.image), subject: subjectOf(address, limit) }
    case 'layout': {
      const repository = { registry: layoutRegistry, path: address.folder }
      return { places: [aloneAt(repository)], subject: subjectOf(address, limit) }
    }
    case 'reference': {
      const { registry, path } = address.reference
      const [place] = imagesAt(config, { registry, path })
      const places = place === undefined ? [aloneAt({ registry, path })] : placesOf(config, place.image)
      return { places, subject: subjectOf(address.reference, limit) }
    }
  }
}

function placesOf(config: Config, image: string): readonly HistoryPlace[] {
  return [...config.environments].flatMap(([environment, { promoteFrom, attest }]) =>
    repositoriesOf(config, environment, image).map((repository) => ({
      environment,
      repository,
      // where nothing is attested, a missing attestation is no news
      byPromotion: attest ?? (promoteFrom?.length ?? 0) > 0,
    })),
  )
}

function aloneAt(repository: HistoryPlace['repository']): HistoryPlace {
  return { environment: formatRepository(repository), repository, byPromotion: true }
}

function subjectOf(
  {
    tag,
    digest,
  }: { readonly tag?: string; readonly digest?: Extract<HistorySubject, { digest: unknown }>['digest'] },
  limit: number | undefined,
): HistorySubject {
  if (digest !== undefined) return { digest }
  return tag === undefined ? { limit } : { tag }
}
