import type { Config } from '../../config/config.ts'
import { repositoriesOf } from '../../config/environments.ts'
import { everyEnvironment, resolveImage, type ResolvedImage } from '../../config/resolver/resolve.ts'
import { readingAt, readingIn } from '../../config/settings/version-reading.ts'
import { formatRepository } from '../../oci/reference.ts'
import type { HistorySubject } from '../../usecases/views/history/gather-history.ts'
import type { HistoryTarget } from '../../usecases/views/history/history.ts'

export interface HistoryRequest {
  /** every target of every environment, in the order of `dray.yaml`; or the given repository */
  readonly targets: readonly HistoryTarget[]
  readonly subject: HistorySubject
}

/** Resolves the argument of `history`. @param limit of tags; undefined: all @throws `usage`. */
export function resolveHistoryRequest(
  text: string,
  limit: number | undefined,
  config: Config,
): HistoryRequest {
  const within = everyEnvironment(config)
  const image = resolveImage(text, { accepts: ['image', 'layout'], within }, config)
  const [repository] = image.repositories
  const single = {
    environment: formatRepository(repository),
    repository,
    reading: readingAt(config, repository),
    byPromotion: true,
  }
  return {
    targets: image.image === undefined ? [single] : listTargets(image.image, config),
    subject: subjectOf(image, limit),
  }
}

function listTargets(image: string, config: Config): readonly HistoryTarget[] {
  return [...config.environments].flatMap(([environment, { promoteFrom, attest }]) =>
    repositoriesOf(config, environment, image).map((repository) => ({
      environment,
      repository,
      reading: readingIn(config, environment, image),
      // In an environment without attestations, a missing one says nothing.
      byPromotion: attest ?? (promoteFrom?.length ?? 0) > 0,
    })),
  )
}

function subjectOf({ tag, digest }: ResolvedImage, limit: number | undefined): HistorySubject {
  if (digest !== undefined) return { digest }
  return tag === undefined ? { limit } : { tag }
}
