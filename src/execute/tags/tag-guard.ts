import type { Clock } from '../../lib/clock.ts'
import type { TakenLock } from '../../lib/files/lock.ts'
import { type BeforeAttempt, isFresh } from '../../lib/freshness.ts'
import type { CheckedTag, TagCheck } from './tag-checks.ts'
import type { TagLocks } from './tag-locks.ts'

export interface TagGuardPorts {
  readonly clock: Clock
  /** undefined: other runs of this machine are not waited for */
  readonly locks: TagLocks | undefined
  /** reads the tag again */
  readonly check: () => Promise<TagCheck>
  /** Is called if another run holds the lock for some seconds. */
  readonly onLongWait: () => void
  /** aborted: a write that was not sent yet does not wait for another run any more */
  readonly stop: AbortSignal
}

/**
 * Keeps a tag from being overwritten unseen. It holds the machine's lock for the tag from the last
 * check until the write has ended, so a run of this machine sees what another one wrote. A check
 * made before the lock was taken counts only if no run has written the tag since it began.
 */
export class TagGuard {
  readonly #tag: CheckedTag
  readonly #name: string
  readonly #ports: TagGuardPorts
  #last: TagCheck
  /**
   * from when the last check counts, in milliseconds; undefined: the tag is checked again before
   * the next attempt
   */
  #validFrom: number | undefined
  #lock: TakenLock | undefined
  #isWriting = false
  #isSent = false
  /** what an earlier attempt stored by mistake */
  #stored: string | undefined

  constructor(tag: CheckedTag, first: TagCheck, ports: TagGuardPorts) {
    this.#tag = tag
    this.#name = ports.locks?.nameOf(tag.repository, tag.tag) ?? ''
    this.#ports = ports
    this.#last = first
    this.#validFrom = first.at
  }

  /** what the last check found */
  get last(): TagCheck {
    return this.#last
  }

  /**
   * Takes the lock, and checks the tag unless the first check still counts. Without a lock, the tag
   * is always checked.
   * @throws the error of a conflict; what the check throws; the signal's reason
   */
  async enter(signal: AbortSignal): Promise<void> {
    const { locks, clock, stop } = this.#ports
    await this.#takeLock([signal, stop])
    const isWrittenSince =
      locks === undefined || this.#lock === undefined || locks.writes.last(this.#name) >= this.#last.at
    if (isWrittenSince || !isFresh(this.#validFrom, clock.now())) await this.#checkAgain()
    if (this.#last.state === 'expected') this.#beginWrite()
  }

  /** Ends the write, and releases the lock. */
  async leave(): Promise<void> {
    const { locks, clock } = this.#ports
    if (this.#isWriting) locks?.writes.end(this.#name, clock.now())
    await this.#lock?.release()
  }

  /**
   * Is called before each attempt of the PUT. The tag is checked again before a retry, however soon
   * it comes: the registry may have executed the attempt before it, and others may have moved the
   * tag since. If another process may have taken the lock, as after the run was suspended, it is
   * taken again first.
   */
  beforeAttempt(stored: string | undefined, signal: AbortSignal): ReturnType<BeforeAttempt> {
    this.#stored = stored ?? this.#stored
    const isReady = isFresh(this.#validFrom, this.#ports.clock.now()) && !this.#isLockLost()
    if (!isReady) return this.#prepareAttempt(signal)
    this.#isSent = true
    this.#validFrom = undefined
    return undefined
  }

  async #prepareAttempt(signal: AbortSignal): Promise<void> {
    if (this.#isLockLost()) {
      await this.#takeLock(this.#isSent ? [signal] : [signal, this.#ports.stop])
      // The run that had the lock in between has noted the end of its own write.
      this.#isWriting = false
    }
    await this.#checkAgain()
    if (!this.#isWriting) this.#beginWrite()
  }

  async #checkAgain(): Promise<void> {
    const { clock, check } = this.#ports
    const began = clock.now()
    const again = await check()
    const ended = clock.now()
    // A slow registry would be asked without end if such a check counted from its begin.
    this.#validFrom = isFresh(began, ended) ? began : ended
    // An earlier attempt of this run may have written the tag: that is not what it was before.
    const own: readonly (string | undefined)[] = [this.#tag.wanted, this.#stored]
    if (this.#isSent && again.found !== null && own.includes(again.found)) return
    this.#last = again
    if (again.state === 'conflict') throw again.error
  }

  #isLockLost(): boolean {
    return this.#lock?.isCertain() === false
  }

  /** @throws the reason of one of the signals */
  async #takeLock(signals: readonly AbortSignal[]): Promise<void> {
    await this.#lock?.release()
    this.#lock = undefined
    for (const signal of signals) signal.throwIfAborted()
    const { locks, onLongWait } = this.#ports
    if (locks === undefined) return
    this.#lock =
      locks.locks.takeFree(this.#name) ??
      (await locks.locks.take(this.#name, AbortSignal.any([...signals]), onLongWait))
  }

  #beginWrite(): void {
    this.#isWriting = true
    this.#ports.locks?.writes.begin(this.#name)
  }
}
