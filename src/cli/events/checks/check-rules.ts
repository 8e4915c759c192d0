import { sourceOfChecks } from '../../../config/watch/read-source.ts'
import type { PromoteOnEvent, WatchRule } from '../../../config/watch/watch-config.ts'
import { inParallel } from '../../../images/parallel.ts'
import type { Call } from '../../../lib/call.ts'
import { toDrayError } from '../../../lib/errors.ts'
import { parseRepository } from '../../../oci/reference.ts'
import type { MatchedEvent } from '../../../usecases/watch/queue/watch-work.ts'
import type { Context } from '../../wiring/context.ts'
import type { EventMatcher } from '../match-events.ts'
import { wholeRule } from '../whole-rule.ts'
import type { WatchService } from '../watch-service.ts'
import { checkImageOfRule, type CheckedSubject, imagesOfRule } from './check-rule.ts'

/** Images that one check reads at once. */
const imagesAtOnce = 4

interface RuleCheckOptions {
  readonly rules: readonly WatchRule[]
  readonly matcher: EventMatcher
  readonly service: WatchService
}

/**
 * Checks all rules without an event, and adds the runs that are due to the queue. A rule or image
 * that cannot be read is a warning. Returns the number of images whose first check this was.
 * @throws the signal's reason; what the journal throws.
 */
export async function checkRules(options: RuleCheckOptions, context: Context, call: Call): Promise<number> {
  let first = 0
  for (const rule of options.rules) {
    if (rule.do === 'sync') await options.service.add([wholeRule(rule, sourceOfChecks)])
    else first += await checkPromotions(rule, options, context, call)
  }
  return first
}

async function checkPromotions(
  rule: PromoteOnEvent,
  options: RuleCheckOptions,
  context: Context,
  call: Call,
): Promise<number> {
  const warn = (what: string, error: unknown): void => {
    call.signal.throwIfAborted()
    const { message, why } = toDrayError(error)
    call.notify({
      kind: 'warning',
      text: `cannot check ${what} of the rule ${rule.name}: ${message}${why === undefined ? '' : ` (${why})`}`,
    })
  }
  let images: Awaited<ReturnType<typeof imagesOfRule>>
  try {
    images = await imagesOfRule(rule, context, call)
  } catch (error) {
    warn('the images', error)
    return 0
  }
  const { service } = options
  const checked = await inParallel(images, imagesAtOnce, call, async (image, c) => {
    try {
      return await checkImageOfRule(rule, image, (name) => service.seen.get(rule.name, name), context, c)
    } catch (error) {
      warn(`@${image.environment}/${image.image}`, error)
      return undefined
    }
  })
  const found = checked.filter((one) => one !== undefined)
  for (const one of found) {
    await service.add(dueEvents(rule, one, options))
    await service.remember(one.seen)
  }
  return found.filter(({ isFirst }) => isFirst).length
}

function dueEvents(
  rule: PromoteOnEvent,
  { repository, due }: CheckedSubject,
  { matcher, service }: RuleCheckOptions,
): readonly MatchedEvent[] {
  return due.flatMap(({ tag, digest }): readonly MatchedEvent[] => {
    const triggers = matcher
      .triggersOf(parseRepository(repository), tag)
      .filter((trigger) => trigger.rule === rule.name && service.mayRepeat(trigger, tag))
    const event = { source: sourceOfChecks, repository, tag, ...(digest !== undefined && { digest }) }
    return triggers.length === 0 ? [] : [{ event, triggers }]
  })
}
