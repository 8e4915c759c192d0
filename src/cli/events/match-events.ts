import type { Config } from '../../config/config.ts'
import { findImagesAt, repositoriesOf } from '../../config/environments.ts'
import { RegistryNames } from '../../config/registry-names.ts'
import { readingAt, readingIn } from '../../config/settings/version-reading.ts'
import { destinationsOf, relativePathOf } from '../../config/sync/destinations.ts'
import type {
  PromoteOnEvent,
  SyncOnEvent,
  WatchConfig,
  WatchRule,
  WatchSource,
} from '../../config/watch/watch-config.ts'
import { isDrayError } from '../../lib/errors.ts'
import { parseDigest } from '../../oci/digest.ts'
import { isEvidenceTag } from '../../oci/evidence-tags.ts'
import { formatRepository, parseRepository, type RepositoryName } from '../../oci/reference.ts'
import { matchesRepository } from '../../selectors/repository-pattern.ts'
import { selectTag } from '../../selectors/select-tag.ts'
import type { VersionReading } from '../../semver/version.ts'
import type { MatchedEvent, Trigger } from '../../usecases/watch/queue/watch-work.ts'
import type { RegistryEvent } from '../../usecases/watch/registry-event.ts'
import { formatImageSubject } from './image-subject.ts'
import { lockOfRule } from './whole-rule.ts'

/** Finds the rules that read the tag of an event. It only knows `dray.yaml`, and no registry. */
export class EventMatcher {
  readonly #config: Config
  readonly #watch: WatchConfig
  readonly #names: RegistryNames

  constructor(config: Config, watch: WatchConfig) {
    this.#config = config
    this.#watch = watch
    this.#names = new RegistryNames(config.registries)
  }

  /** Undefined for an event whose repository has no valid name, and for a deletion. */
  match(source: WatchSource, event: RegistryEvent): MatchedEvent | undefined {
    const repository = repositoryOf(source, event)
    if (repository === undefined || event.kind === 'delete') return undefined
    const { tag } = event
    const digest = event.digest === undefined ? undefined : digestIn(event.digest)
    return {
      event: {
        source: source.name,
        repository: formatRepository(repository),
        tag,
        ...(digest !== undefined && { digest }),
      },
      triggers: this.triggersOf(repository, tag),
    }
  }

  /** The runs of all rules for a tag of a repository. */
  triggersOf(repository: RepositoryName, tag: string): readonly Trigger[] {
    // Attached artifacts are copied together with their images.
    if (isEvidenceTag(tag)) return []
    return this.#watch.rules.flatMap((rule) => this.#trigger(rule, repository, tag) ?? [])
  }

  #trigger(rule: WatchRule, repository: RepositoryName, tag: string): Trigger | undefined {
    try {
      return rule.do === 'promote'
        ? this.#promotion(rule, repository, tag)
        : this.#sync(rule, repository, tag)
    } catch (error) {
      // The path of the repository makes no valid name at the destination.
      if (isDrayError(error) && error.code !== 'internal') return undefined
      throw error
    }
  }

  #promotion(rule: PromoteOnEvent, repository: RepositoryName, tag: string): Trigger | undefined {
    const owner = findImagesAt(this.#config, repository).find((image) =>
      rule.on.some((pattern) => matchesRepository(pattern, repository, [image], this.#names)),
    )
    if (owner === undefined) return undefined
    const { environment, image } = owner
    if (!selects(rule, tag, readingIn(this.#config, environment, image))) return undefined
    const targets = repositoriesOf(this.#config, rule.to, image).map((one) => this.#names.identity(one))
    return { rule: rule.name, subject: formatImageSubject(environment, image), targets }
  }

  #sync(rule: SyncOnEvent, repository: RepositoryName, tag: string): Trigger | undefined {
    const images = findImagesAt(this.#config, repository)
    const isOn =
      rule.on?.some((pattern) => matchesRepository(pattern, repository, images, this.#names)) ?? true
    const { from, repositories } = rule.rule
    const path =
      from.kind === 'environment'
        ? images.find(({ environment }) => environment === from.environment)?.image
        : relativePathOf(rule.rule, repository)
    if (!isOn || path === undefined || !repositories.some(({ regex }) => regex.match(path) !== undefined))
      return undefined
    if (!selects(rule, tag, readingAt(this.#config, repository))) return undefined
    const targets = destinationsOf(rule.rule, path, this.#config)
    return {
      rule: rule.name,
      subject: path,
      targets: [lockOfRule(rule.rule.name), ...targets.map((one) => this.#names.identity(one.repository))],
    }
  }
}

/** As in a sync rule, a range has a pre-release only if it names one of the same version. */
export function selects({ tags }: Pick<WatchRule, 'tags'>, tag: string, reading: VersionReading): boolean {
  return tags === undefined || selectTag(tags, tag, reading, 'named') !== undefined
}

/** The host of `dray.yaml` counts: registries often do not know their own name. */
function repositoryOf(source: WatchSource, { registry, path }: RegistryEvent): RepositoryName | undefined {
  const host = source.registry ?? registry
  if (host === undefined) return undefined
  return orUndefined(() => parseRepository(`${host}/${path}`))
}

function digestIn(text: string): ReturnType<typeof parseDigest> | undefined {
  return orUndefined(() => parseDigest(text))
}

function orUndefined<T>(parse: () => T): T | undefined {
  try {
    return parse()
  } catch (error) {
    if (isDrayError(error)) return undefined
    throw error
  }
}
