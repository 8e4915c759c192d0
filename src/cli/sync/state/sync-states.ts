import { join } from 'node:path'
import type { Call } from '../../../lib/call.ts'
import { toErrorInfo } from '../../../lib/errors.ts'
import { writeFileAtomic } from '../../../lib/files/atomic.ts'
import type { MachineLocks } from '../../../lib/files/machine-locks.ts'
import { othersWhoWriteFile } from '../../../lib/files/ownership.ts'
import { readFileBounded } from '../../../lib/files/read.ts'
import type { ProcessEnvironment } from '../../../lib/files/user-folders.ts'
import { DrayError } from '../../../lib/errors.ts'
import { digestOf, encodedOf } from '../../../oci/digest.ts'
import { parseJson } from '../../../oci/json.ts'
import { formatRepository } from '../../../oci/reference.ts'
import { type DestinationState, emptyState } from '../../../usecases/sync/sync-state.ts'
import { openOrWarn } from '../../wiring/open-or-warn.ts'
import { findPrivateFolder } from '../../wiring/private-folders.ts'
import { mergeStates } from './merge-states.ts'
import { formatState, parseState, type StateOwner } from './state-document.ts'

const maxFileSize = 64 * 1024 ** 2

/**
 * The knowledge of earlier runs about each destination repository of each rule: one file for both,
 * in the state folder of the user. It only saves requests and recognises changes by others, so a
 * file that cannot be used is a warning.
 */
export class SyncStates {
  readonly #folder: string | undefined
  readonly #locks: MachineLocks | undefined

  /** @param folder undefined: nothing is remembered */
  constructor(folder: string | undefined, locks: MachineLocks | undefined) {
    this.#folder = folder
    this.#locks = locks
  }

  /** Opens the folder of the user, or warns that earlier runs are forgotten. */
  static open(env: ProcessEnvironment, locks: MachineLocks | undefined, call: Call): SyncStates {
    const folder = openOrWarn('dray syncs without the state of earlier runs', call, () =>
      findPrivateFolder('state', ['sync'], env, { create: true }),
    )
    return new SyncStates(folder, locks)
  }

  /** The state of a destination. Damaged or foreign: the empty state, and a warning. */
  async read(owner: StateOwner, { notify }: Pick<Call, 'notify'>): Promise<DestinationState> {
    const path = this.#pathOf(owner)
    if (path === undefined) return emptyState
    try {
      return (await readState(path, owner)) ?? emptyState
    } catch (error) {
      notify({ kind: 'warning', text: lostState(owner, error) })
      return emptyState
    }
  }

  /**
   * Writes what changed between two states of a destination. Changes that another run
   * of the rule wrote meanwhile are kept.
   * @throws `io`; the signal's reason.
   */
  async write(
    owner: StateOwner,
    before: DestinationState,
    after: DestinationState,
    { signal }: Pick<Call, 'signal'>,
  ): Promise<void> {
    const path = this.#pathOf(owner)
    if (path === undefined) return
    const update = async (): Promise<void> => {
      const current = await readState(path, owner).catch(() => undefined)
      const merged = current === undefined ? after : mergeStates(before, after, current)
      await writeFileAtomic(path, formatState(owner, merged), { mode: 0o600 })
    }
    await (this.#locks === undefined ? update() : this.#locks.run(`sync ${path}`, signal, update))
  }

  /** Names of rules and repositories can be too long or have characters that no file may have. */
  #pathOf({ rule, repository }: StateOwner): string | undefined {
    if (this.#folder === undefined) return undefined
    const key = encodedOf(digestOf(JSON.stringify([rule, formatRepository(repository)])))
    return join(this.#folder, `${key}.json`)
  }
}

/** @throws `malformed` if the file is damaged, `refused` if others can write to it, `io`. */
async function readState(path: string, owner: StateOwner): Promise<DestinationState | undefined> {
  const bytes = await readFileBounded(path, maxFileSize, {
    followLinks: false,
    check: (stats) => {
      const why = othersWhoWriteFile(stats, process.env)
      if (why !== undefined) throw new DrayError('refused', `cannot use ${path}`, { why })
    },
  })
  if (bytes === undefined) return undefined
  const state = parseState(parseJson(bytes, path), owner)
  if (state === undefined) throw new DrayError('malformed', `cannot read ${path}`, { why: 'it is damaged' })
  return state
}

function lostState({ rule, repository }: StateOwner, error: unknown): string {
  const { message, why } = toErrorInfo(error)
  const cause = [message, why].filter((part) => part !== undefined).join(': ')
  return `the state of the rule ${rule} for ${formatRepository(repository)} is lost: ${cause}. Changes by others look like moves, and grace periods restart.`
}
