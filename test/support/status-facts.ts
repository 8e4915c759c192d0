import { type Digest, digestOf } from '../../src/oci/digest.ts'
import { parseVersionTag, plainReading, type VersionReading } from '../../src/semver/version.ts'
import { listHighest } from '../../src/usecases/views/status/current-version.ts'
import type { CellFacts } from '../../src/usecases/views/status/facts.ts'

export interface FactsOf {
  readonly environment: string
  /**
   * the tags and the names of their images, such as `latest=a 1.4.2=a`. `-` is not deployed, and
   * `!` is unreachable.
   */
  readonly has: string
  readonly image?: string
  readonly registry?: string
  readonly currentTag?: string
  readonly created?: string
  readonly reading?: Partial<VersionReading>
}

/** The facts of a cell in which every tag is resolved. */
export function statusFacts(options: FactsOf): CellFacts {
  const { environment, has, image = 'api', registry = 'r.test', currentTag = 'latest' } = options
  const reading = { ...plainReading, ...options.reading }
  const repository = { registry, path: `${environment}/${image}` }
  const target = { image, environment, repository, currentTag, reading }
  if (has === '-') return { target, state: 'not-deployed' }
  if (has === '!') return { target, state: 'unreachable', error: { code: 'network', message: 'no answer' } }
  const digests = new Map<string, Digest>(
    has.split(' ').map((part) => {
      const [tag = '', name = ''] = part.split('=')
      return [tag, digestOf(name)]
    }),
  )
  const tags = [...digests.keys()]
  const read = { tags, highest: listHighest(tags, reading), digests }
  const digest = digests.get(currentTag)
  if (digest === undefined) return { target, state: 'no-current-tag', ...read }
  const versions = tags.flatMap((tag) => parseVersionTag(tag, reading) ?? [])
  const version = versions.find(({ tag }) => digests.get(tag) === digest) ?? null
  return { target, state: 'present', digest, version, created: options.created ?? null, ...read }
}
