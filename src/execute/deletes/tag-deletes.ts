import { DrayError, type ErrorInfo, toErrorInfo } from '../../lib/errors.ts'
import { formatAt } from '../../oci/reference.ts'
import type { DeleteTagStep } from '../../plan/prune/prune-plan.ts'

/**
 * The deletes of single tags in all repositories of a run. A registry may delete the image together
 * with its tag: then dray deletes no further tag there, in any repository.
 */
export class TagDeletes {
  /** by registry, why no tag is deleted there */
  readonly #ended: Map<string, ErrorInfo>
  /** the last of the deletes that go one after another, by registry */
  readonly #last = new Map<string, Promise<unknown>>()

  /** @param known registries that deleted an image with its tag in an earlier run */
  constructor(known: Iterable<string> = []) {
    this.#ended = new Map([...known].map((registry) => [registry, neverAlone(registry)]))
  }

  /** Why no tag is deleted at the registry; undefined: dray may delete tags there. */
  reasonAgainst(registry: string): ErrorInfo | undefined {
    return this.#ended.get(registry)
  }

  end(registry: string): void {
    this.#ended.set(registry, neverAlone(registry))
  }

  /**
   * Executes the first delete of a tag in a repository while no other repository of the registry
   * does so, so that a registry that deletes images with their tags takes only one.
   */
  async oneByOne(registry: string, work: () => Promise<void>): Promise<void> {
    const turn = (this.#last.get(registry) ?? Promise.resolve()).catch(() => undefined).then(work)
    this.#last.set(registry, turn)
    await turn
  }
}

function neverAlone(registry: string): ErrorInfo {
  return {
    code: 'unsupported',
    message: `dray deletes no single tags at ${registry}`,
    why: 'the registry has deleted an image together with a tag of it',
    hint: 'Delete all tags of the image, or keep all of them. For single tags, use the API of the registry.',
  }
}

/** The error for an image that the registry deleted although other tags of it were to be kept. */
export function lostImage(
  { repository, tag, digest }: DeleteTagStep,
  losesTags: readonly string[],
  restore: string,
): ErrorInfo {
  const subject = formatAt(repository, { digest })
  const others = losesTags.filter((one) => one !== tag)
  const lost = others.length === 0 ? '' : `, and its other tags are gone: ${others.join(', ')}`
  return toErrorInfo(
    new DrayError('protocol', `${repository.registry} deleted an image together with its tag ${tag}`, {
      subject,
      why: `dray deleted only the tag ${tag}. The registry does not have ${digest} any more${lost}`,
      hint: `dray deletes no more single tags at this registry. ${restore}`,
    }),
  )
}
