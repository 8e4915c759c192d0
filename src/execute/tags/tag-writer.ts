import type { Call } from '../../lib/call.ts'
import type { Clock } from '../../lib/clock.ts'
import { type BeforeAttempt, repeatStaleCheck } from '../../lib/freshness.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import type { Digest } from '../../oci/digest.ts'
import { parseManifest } from '../../oci/manifest.ts'
import { formatAt, formatRepository, type RepositoryName } from '../../oci/reference.ts'
import { type Moved, nothingMoved } from '../../plan/outcome.ts'
import type { Copier, NodeContent } from '../../images/copy.ts'
import type { Repositories } from '../../images/ports.ts'
import type { CheckedTag, TagCheck, TagChecks } from './tag-checks.ts'

/** A manifest that is written under a tag. */
export interface TagWrite extends Omit<CheckedTag, 'wanted'> {
  readonly target: Descriptor
  /** the repository that has the bytes of the manifest */
  readonly from: RepositoryName
}

export interface TagWriterPorts {
  readonly stores: Repositories
  readonly copier: Copier
  readonly checks: TagChecks
  readonly clock: Clock
}

/** What has to happen before the tag is checked for the last time. */
export interface BeforeTag {
  /** @throws `audit`: then nothing is changed */
  readonly recordIntent: () => Promise<void>
  readonly copyContent?: () => Promise<Moved>
}

export interface TagWriteResult {
  readonly result: 'done' | 'unchanged' | 'failed'
  /**
   * what the tag pointed at just before it was written, as the last check found it; null: it was
   * not there
   */
  readonly before: Digest | null
  readonly moved: Moved
  /** with `failed` */
  readonly error?: unknown
}

interface WriteChecks {
  last: TagCheck
  isSent: boolean
  /** what an earlier attempt stored by mistake */
  stored: string | undefined
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
    return await this.#ports.checks.check({ ...tag, wanted: tag.target.digest }, call)
  }

  /**
   * Records the intent, checks the tag unless `first` is still valid, and puts the manifest at
   * once. A retry of the PUT checks the tag again if the last check is too old by then.
   * @throws what `recordIntent` throws; every other failure is a result
   */
  async write(
    tag: TagWrite,
    first: TagCheck,
    { recordIntent, copyContent }: BeforeTag,
    call: Call,
  ): Promise<TagWriteResult> {
    await recordIntent()
    const checks: WriteChecks = { last: first, isSent: false, stored: undefined }
    const recheck = repeatStaleCheck(first.at, this.#ports.clock, async () => {
      const again = await this.check(tag, call)
      // an earlier attempt of this run may have written the tag: that is not what it was before
      const own = [tag.target.digest, checks.stored]
      if (checks.isSent && again.found !== null && own.includes(again.found)) return
      checks.last = again
      if (again.state === 'conflict') throw again.error
    })
    let moved = nothingMoved
    try {
      moved = (await copyContent?.()) ?? nothingMoved
      const content = await this.#contentOnce(tag, call)
      await recheck()
      const isUpToDate = checks.last.state === 'upToDate'
      if (isUpToDate) return { result: 'unchanged', before: checks.last.found, moved }
      await this.#put(tag, content, call, (stored) => {
        checks.stored = stored
        const pending = recheck()
        checks.isSent ||= pending === undefined
        return pending
      })
      return { result: 'done', before: checks.last.found, moved }
    } catch (thrown) {
      const { last } = checks
      const error = last.state === 'conflict' ? last.error : thrown
      return { result: 'failed', before: last.found, moved, error }
    }
  }

  async #put(
    { repository, tag }: TagWrite,
    content: NodeContent,
    call: Call,
    beforeAttempt: BeforeAttempt,
  ): Promise<void> {
    const { copier, stores } = this.#ports
    await copier.putManifest(stores.target(repository), content, [tag], call, beforeAttempt)
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
