import type { Call } from '../../lib/call.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import type { Digest } from '../../oci/digest.ts'
import { parseManifest } from '../../oci/manifest.ts'
import { formatAt, formatRepository, type RepositoryName } from '../../oci/reference.ts'
import { nothingTransferred, type Transferred } from '../../plan/outcome.ts'
import type { Copier, NodeContent } from '../../images/copy.ts'
import type { Repositories, UnlistedReferrer } from '../../images/ports.ts'
import type { PlacementId } from '../../plan/plan.ts'
import type { GateChecks } from './gate-checks.ts'
import type { CheckedTag, TagCheck, TagChecks } from './tag-checks.ts'
import { TagGuard } from './tag-guard.ts'
import type { TagLocks } from './tag-locks.ts'

/** A manifest that is written under a tag. */
export interface TagWrite extends Omit<CheckedTag, 'wanted'> {
  readonly target: Descriptor
  /** the repository that has the bytes of the manifest */
  readonly from: RepositoryName
  /** the image at a target whose gates must pass before the tag is written */
  readonly placement?: PlacementId
}

export interface TagWriterPorts {
  readonly stores: Repositories
  readonly copier: Copier
  readonly checks: TagChecks
  readonly clock: Clock
  readonly locks: TagLocks | undefined
  /** undefined: no environment has gates */
  readonly gates?: GateChecks | undefined
}

/** The work before the last check of the tag. */
export interface BeforeTag {
  /** @throws `audit`: then nothing is changed */
  readonly recordIntent: () => Promise<void>
  readonly copyContent?: () => Promise<Transferred>
  /** aborted: another run that writes the tag is not waited for any more */
  readonly stop: AbortSignal
}

export interface TagWriteResult {
  readonly result: 'done' | 'unchanged' | 'failed'
  /**
   * what the tag pointed at just before it was written, as the last check found it; null: it was
   * not there
   */
  readonly before: Digest | null
  readonly transferred: Transferred
  /** referrers that were pushed and have to be listed */
  readonly unlisted?: readonly UnlistedReferrer[]
  /** with `failed` */
  readonly error?: unknown
}

/** Writes manifests under tags. The bytes of a manifest that gets several tags are read once. */
export class TagWriter {
  readonly #ports: TagWriterPorts
  readonly #contents = new Map<string, Promise<NodeContent>>()

  constructor(ports: TagWriterPorts) {
    this.#ports = ports
  }

  /** @throws what the store throws */
  async check(tag: TagWrite, call: Call): Promise<TagCheck> {
    return await this.checkGates(tag, await this.#ports.checks.check(asChecked(tag), call), call)
  }

  /**
   * Adds the gates of the image to a check of a tag that is to be written: a gate that fails now is
   * a conflict too. Evaluates the gates only if their results are too old.
   * @throws the error of a read that failed
   */
  async checkGates(tag: TagWrite, check: TagCheck, call: Call): Promise<TagCheck> {
    const { gates } = this.#ports
    if (gates === undefined || tag.placement === undefined || check.state !== 'expected') return check
    const { at, error } = await gates.check(tag.placement, call)
    const both = { at: Math.min(check.at, at), found: check.found }
    return error === undefined ? { ...both, state: 'expected' } : { ...both, state: 'conflict', error }
  }

  /**
   * Records the intent. Then, under the lock of the machine for the tag, checks the tag unless
   * `first` is still valid, and puts the manifest at once.
   * @throws what `recordIntent` throws; every other failure is a result
   */
  async write(
    tag: TagWrite,
    first: TagCheck,
    { recordIntent, copyContent, stop }: BeforeTag,
    call: Call,
  ): Promise<TagWriteResult> {
    await recordIntent()
    const { clock, locks } = this.#ports
    const guard = new TagGuard(asChecked(tag), first, {
      clock,
      locks,
      check: () => this.check(tag, call),
      onLongWait: () => call.notify({ kind: 'waitForRun', tag: formatAt(tag.repository, tag) }),
      stop,
    })
    let transferred = nothingTransferred
    try {
      transferred = (await copyContent?.()) ?? nothingTransferred
      const content = await this.#contentOnce(tag, call)
      await guard.enter(call.signal)
      if (guard.last.state === 'upToDate')
        return { result: 'unchanged', before: guard.last.found, transferred }
      const unlisted = await this.#put(tag, content, guard, call)
      const { found: before } = guard.last
      return { result: 'done', before, transferred, ...(unlisted && { unlisted: [unlisted] }) }
    } catch (thrown) {
      const { last } = guard
      const error = last.state === 'conflict' ? last.error : thrown
      return { result: 'failed', before: last.found, transferred, error }
    } finally {
      await guard.leave()
    }
  }

  async #put(
    { repository, tag }: TagWrite,
    content: NodeContent,
    guard: TagGuard,
    call: Call,
  ): Promise<UnlistedReferrer | undefined> {
    const { copier, stores } = this.#ports
    return await copier.putManifest(stores.target(repository), content, [tag], call, (stored) =>
      guard.beforeAttempt(stored, call.signal),
    )
  }

  #contentOnce(tag: TagWrite, call: Call): Promise<NodeContent> {
    const { target, from, repository } = tag
    const key = `${formatRepository(from)} ${formatRepository(repository)} ${target.digest}`
    const known = this.#contents.get(key)
    if (known !== undefined) return known
    const content = this.#content(tag, call)
    this.#contents.set(key, content)
    // a failure is not kept: the next tag reads the bytes again
    content.catch(() => this.#contents.delete(key))
    return content
  }

  /**
   * The bytes come from the source. If the source has lost them since, they come from the target,
   * if it has them by their digest already.
   */
  async #content({ target, from, repository }: TagWrite, call: Call): Promise<NodeContent> {
    const [source, destination] = [this.#ports.stores.source(from), this.#ports.stores.target(repository)]
    const isOnlyAtTarget =
      (await source.findManifest(target, call)) === undefined &&
      (await destination.findManifest(target, call)) !== undefined
    const store = isOnlyAtTarget ? destination : source
    const { bytes, descriptor } = await store.manifest(target, call)
    const where = formatAt(store.repository, { digest: target.digest })
    return { descriptor, manifest: parseManifest(bytes, descriptor.mediaType, where), bytes }
  }
}

function asChecked(tag: TagWrite): CheckedTag {
  return { ...tag, wanted: tag.target.digest }
}
