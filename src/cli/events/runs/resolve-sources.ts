import { repositoriesOf } from '../../../config/environments.ts'
import { sourceOf } from '../../../config/sync/destinations.ts'
import type { WatchRule } from '../../../config/watch/watch-config.ts'
import { resolveTags } from '../../../images/tags/tags.ts'
import { DrayError } from '../../../lib/errors.ts'
import type { Digest } from '../../../oci/digest.ts'
import type { RepositoryName } from '../../../oci/reference.ts'
import { parseImageSubject } from '../image-subject.ts'
import type { WatchRun } from '../../../usecases/watch/queue/watch-work.ts'
import type { Context } from '../../wiring/context.ts'
import type { RuleRunner } from './rule-runner.ts'

interface ResolvedSources {
  /** by tag; without the tags that the source does not have */
  readonly digests: ReadonlyMap<string, Digest>
  /** a run ended with all of these digests a short time ago */
  readonly isHandled: boolean
}

/**
 * Reads the tags of a run from the registry. The events only name them: a digest in an event is not
 * used. @throws what the registry throws.
 */
export async function resolveSources(
  rule: WatchRule,
  run: WatchRun,
  { call, isHandled }: Pick<RuleRunner, 'call' | 'isHandled'>,
  context: Context,
): Promise<ResolvedSources> {
  const repository = await sourceRepository(rule, run, context)
  const tags = [...new Set(run.events.map(({ tag }) => tag))]
  const store = (await context.stores()).source(repository)
  const found = await resolveTags(store, tags, call)
  const digests = new Map([...found].flatMap(([tag, digest]) => (digest === null ? [] : [[tag, digest]])))
  const events = run.events.filter(({ tag }) => digests.has(tag))
  const areHandled = events.every((event) => {
    const digest = digests.get(event.tag)
    return digest !== undefined && isHandled(event, digest)
  })
  return { digests, isHandled: areHandled }
}

/** The repository that the run reads: of an environment with several targets, the first one. */
async function sourceRepository(
  rule: WatchRule,
  { subject }: Pick<WatchRun, 'subject'>,
  context: Context,
): Promise<RepositoryName> {
  const { config } = await context.config()
  if (rule.do === 'sync') return sourceOf(rule.rule, subject, config)
  const { environment, image } = parseImageSubject(subject)
  const [first] = repositoriesOf(config, environment, image)
  if (first === undefined) throw new DrayError('internal', `${environment} has no target`)
  return first
}
