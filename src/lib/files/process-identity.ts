import { createHash } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'

/** Hex digits of each of the two parts. */
const partLength = 8
const unknownPlace = '0'.repeat(partLength)
const maxProcessId = 2 ** 31 - 1

/** It is the same as long as the process lives, and each lock contains it. */
let place: string | undefined

/**
 * Returns 16 hex digits for this process: eight for the machine or container in which a process
 * id is valid, and eight for its process id.
 */
export function processIdentity(): string {
  place ??= placeOfProcess()
  return place + process.pid.toString(16).padStart(partLength, '0')
}

/**
 * Whether the process with this identity has surely ended. False if it may live in another
 * container or on another machine.
 * @param own the identity of this process
 */
export function hasEnded(identity: string, own: string): boolean {
  const placeOfOther = identity.slice(0, partLength)
  if (placeOfOther === unknownPlace || placeOfOther !== own.slice(0, partLength)) return false
  const id = Number.parseInt(identity.slice(partLength), 16)
  if (!(id > 0 && id <= maxProcessId)) return false
  try {
    process.kill(id, 0)
    return false
  } catch (thrown) {
    return thrown instanceof Error && 'code' in thrown && thrown.code === 'ESRCH'
  }
}

/** Containers on Linux have process ids of their own, and a machine begins anew at each start. */
function placeOfProcess(): string {
  try {
    const text =
      process.platform === 'linux'
        ? `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')} ${readlinkSync('/proc/self/ns/pid')}`
        : hostname()
    return createHash('sha256').update(text).digest('hex').slice(0, partLength)
  } catch {
    return unknownPlace
  }
}
