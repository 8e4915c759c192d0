import { environmentNamed, repositoriesOf } from '../../../config/environments.ts'
import { readingIn } from '../../../config/settings/version-reading.ts'
import type { PromoteOnEvent } from '../../../config/watch/watch-config.ts'
import { findTags, resolveTags } from '../../../images/tags/tags.ts'
import type { Call } from '../../../lib/call.ts'
import type { Digest } from '../../../oci/digest.ts'
import { isEvidenceTag } from '../../../oci/evidence-tags.ts'
import { formatRepository } from '../../../oci/reference.ts'
import { type CheckDecision, decideCheck, seenAfter } from '../../../usecases/watch/checks/decide-check.ts'
import type { SeenTags } from '../../../usecases/watch/checks/seen-tags.ts'
import { imagesOfCatalog } from '../../sync/sync-scope.ts'
import type { Context } from '../../wiring/context.ts'
import { selects } from '../match-events.ts'

/** Tags without a wildcard that a check compares by digest, of one rule. */
const maxNamed = 20

export interface CheckedSubject {
  /** formatted */
  readonly repository: string
  /** tags to run the rule for, with their digests if a check knows them */
  readonly due: readonly { readonly tag: string; readonly digest?: Digest }[]
  /** the first check: nothing runs */
  readonly isFirst: boolean
  readonly seen: SeenTags
}

/** The images of a rule, in all environments of `on`. @throws what a catalog throws. */
export async function imagesOfRule(
  rule: PromoteOnEvent,
  context: Context,
  call: Call,
): Promise<readonly { readonly environment: string; readonly image: string }[]> {
  const { config } = await context.config()
  const found = new Map<string, { readonly environment: string; readonly image: string }>()
  for (const { in: scope, regex, isPlain, glob } of rule.on) {
    if (scope.kind !== 'environment') continue
    const { environment } = scope
    environmentNamed(config, environment)
    const catalog: Parameters<typeof imagesOfCatalog>[2] = (...of) => context.repositories(...of)
    const images =
      config.images !== undefined
        ? [...config.images.keys()]
        : isPlain
          ? [glob]
          : await imagesOfCatalog(environment, config, catalog, call)
    for (const image of images)
      if (regex.match(image) !== undefined) found.set(`${environment}/${image}`, { environment, image })
  }
  return [...found.values()]
}

/**
 * Compares the tags of an image with what checks have seen before, and with the destinations.
 * Undefined if the source does not exist. @throws what the registries throw.
 */
export async function checkImageOfRule(
  rule: PromoteOnEvent,
  { environment, image }: { readonly environment: string; readonly image: string },
  seenBefore: (repository: string) => SeenTags | undefined,
  context: Context,
  call: Call,
): Promise<CheckedSubject | undefined> {
  const [{ config }, stores] = await Promise.all([context.config(), context.stores()])
  const [source] = repositoriesOf(config, environment, image)
  if (source === undefined) return undefined
  const store = stores.source(source)
  const listed = await findTags(store, call)
  if (listed === undefined) return undefined
  const reading = readingIn(config, environment, image)
  const tags = listed.filter((tag) => !isEvidenceTag(tag) && selects(rule, tag, reading))
  const names = namedTags(rule).filter((tag) => tags.includes(tag))
  const named = new Map(
    [...(await resolveTags(store, names, call))].flatMap(([tag, digest]) =>
      digest === null ? [] : [[tag, digest] as const],
    ),
  )
  const repository = formatRepository(source)
  const decision = decideCheck({ rule: rule.name, repository, tags, named, reading }, seenBefore(repository))
  if (decision.kind === 'first') return { repository, due: [], isFirst: true, seen: decision.seen }
  const lacking = await lackingTags(decision, repositoriesOf(config, rule.to, image), context, call)
  return {
    repository,
    due: [
      ...lacking.map((tag) => ({ tag })),
      ...[...decision.moved].map(([tag, digest]) => ({ tag, digest })),
    ],
    isFirst: false,
    seen: seenAfter(decision, lacking),
  }
}

/** The versions that one of the targets does not have. */
async function lackingTags(
  { versions }: Extract<CheckDecision, { kind: 'compare' }>,
  targets: ReturnType<typeof repositoriesOf>,
  context: Context,
  call: Call,
): Promise<readonly string[]> {
  if (versions.length === 0) return []
  const stores = await context.stores()
  const present = await Promise.all(
    targets.map(async (target) => new Set((await findTags(stores.source(target), call)) ?? [])),
  )
  return versions.filter((tag) => present.some((tags) => !tags.has(tag)))
}

/** The tags that a rule names without a wildcard. */
function namedTags({ tags }: PromoteOnEvent): readonly string[] {
  if (tags.kind !== 'glob') return []
  return tags.globs.filter((glob) => !/[*?]/.test(glob)).slice(0, maxNamed)
}
