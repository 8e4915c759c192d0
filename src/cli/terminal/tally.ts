import type { ProgressEvent } from '../../lib/call.ts'
import { formatBytes, formatCount, formatDuration } from '../../render/text/format.ts'

/** The interval for the speed, milliseconds. */
const windowMs = 10_000

/** The progress in one repository. */
interface ContentProgress {
  readonly done: number
  readonly of: number
}

/**
 * Sums up progress: finished, known and expected content, and the speed. `now` is in milliseconds.
 */
export class Tally {
  readonly #begun = new Map<string, number>()
  readonly #samples: { readonly at: number; readonly bytes: number }[] = []
  /** progress of reading tags and of deleting, by repository */
  readonly #surveyed = new Map<string, ContentProgress>()
  readonly #deleted = new Map<string, ContentProgress>()
  #finished = 0
  #bytes = 0
  #known = 0
  #expected = 0

  /** Adds to the number of bytes that will be transferred. */
  expect(bytes: number): void {
    this.#expected += bytes
  }

  add(event: ProgressEvent, now: number): void {
    if (event.kind === 'content') this.#addContent(event)
    if (event.kind === 'surveyed' || event.kind === 'deleted') {
      const { registry, path } = event.repository
      const parts = event.kind === 'surveyed' ? this.#surveyed : this.#deleted
      parts.set(`${registry}/${path}`, event)
    }
    if (event.kind !== 'bytes') return
    this.#bytes += event.bytes
    this.#samples.push({ at: now, bytes: event.bytes })
  }

  get isEmpty(): boolean {
    return !this.#isCopying && this.#surveyed.size === 0 && this.#deleted.size === 0
  }

  get #isCopying(): boolean {
    return this.#begun.size > 0 || this.#finished > 0 || this.#bytes > 0
  }

  /**
   * One line without its end: `3 of 14 blobs and manifests, 340 MiB of 1.2 GiB, 45.0 MiB/s, 20 s
   * left`, `4100 of 10000 tags read`, or `35 of 500 deletes done in 2 repositories`.
   */
  describe(now: number): string {
    if (this.#isCopying) return this.#describeCopy(now)
    return this.#deleted.size > 0
      ? describeParts(this.#deleted, 'deletes done')
      : describeParts(this.#surveyed, 'tags read')
  }

  #describeCopy(now: number): string {
    const speed = this.#speed(now)
    const total = Math.max(this.#known, this.#expected)
    const remaining = total - this.#bytes
    return [
      `${this.#finished} of ${formatCount(this.#finished + this.#begun.size, 'blob or manifest', 'blobs and manifests')}`,
      ...(this.#bytes === 0
        ? []
        : [`${formatBytes(this.#bytes)}${remaining > 0 ? ` of ${formatBytes(total)}` : ''}`]),
      ...(speed > 0 ? [`${formatBytes(speed)}/s`] : []),
      ...(speed > 0 && remaining > 0 ? [`${formatDuration((remaining / speed) * 1000)} left`] : []),
    ].join(', ')
  }

  #addContent(event: Extract<ProgressEvent, { kind: 'content' }>): void {
    const { repository, descriptor, state } = event
    const key = keyOf(repository.registry, repository.path, descriptor.digest)
    if (state === 'begin') {
      if (!this.#begun.has(key)) this.#known += descriptor.size
      this.#begun.set(key, descriptor.size)
      return
    }
    const wasBegun = this.#begun.delete(key)
    this.#finished += 1
    // Content that is already present needs no transfer.
    if (state !== 'transferred') {
      if (wasBegun) this.#known -= descriptor.size
      this.#expected = Math.max(0, this.#expected - descriptor.size)
    }
  }

  /** bytes per second */
  #speed(now: number): number {
    while ((this.#samples[0]?.at ?? now) < now - windowMs) this.#samples.shift()
    const first = this.#samples[0]
    if (first === undefined || now - first.at < 500) return 0
    const bytes = this.#samples.reduce((sum, sample) => sum + sample.bytes, -first.bytes)
    return bytes / ((now - first.at) / 1000)
  }
}

function describeParts(parts: ReadonlyMap<string, ContentProgress>, what: string): string {
  const sum = (which: keyof ContentProgress): number =>
    [...parts.values()].reduce((all, part) => all + part[which], 0)
  const where = parts.size === 1 ? '' : ` in ${formatCount(parts.size, 'repository', 'repositories')}`
  return `${sum('done')} of ${sum('of')} ${what}${where}`
}

function keyOf(registry: string, path: string, digest: string): string {
  return `${registry}/${path}@${digest}`
}
