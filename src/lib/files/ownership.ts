import type { Stats } from 'node:fs'

const root = 0
const writableByGroup = 0o020
const writableByAll = 0o002
const sticky = 0o1000

/**
 * Returns the user ids that dray obeys: the user of this process and root. If root was reached with
 * sudo, the user who ran sudo is one of them, as in git: that user can act as root already.
 * Undefined on Windows, which has no user ids.
 */
export function trustedOwners(
  env: Readonly<Record<string, string | undefined>>,
): readonly number[] | undefined {
  const uid = process.geteuid?.()
  if (uid === undefined) return undefined
  const sudo = uid === root ? env['SUDO_UID'] : undefined
  return [uid, root, ...(sudo !== undefined && /^\d{1,10}$/.test(sudo) ? [Number(sudo)] : [])]
}

/**
 * Says who else may write to a file or folder; undefined if only `owners` may. A group counts as
 * private if its id is that of the owner: then it is the owner's own group, which a umask of 002 is
 * made for. Access control lists are not read.
 */
export function explainForeignWriters(
  stats: Pick<Stats, 'uid' | 'gid' | 'mode'>,
  owners: readonly number[],
): string | undefined {
  const { uid, gid, mode } = stats
  if (!owners.includes(uid)) {
    const trusted = [...new Set(owners)].map((owner) => (owner === root ? 'root' : `user ${owner}`))
    return `it belongs to user ${uid}, not to ${trusted.join(' or ')}`
  }
  if ((mode & writableByAll) !== 0) return `its mode is ${formatMode(mode)}: every user can write to it`
  if ((mode & writableByGroup) !== 0 && gid !== uid)
    return `its mode is ${formatMode(mode)}: group ${gid} can write to it`
  return undefined
}

/** Says the same for an open file, with the owners that dray obeys; undefined on Windows. */
export function othersWhoWriteFile(
  stats: Pick<Stats, 'uid' | 'gid' | 'mode'>,
  env: Readonly<Record<string, string | undefined>>,
): string | undefined {
  const owners = trustedOwners(env)
  return owners === undefined ? undefined : explainForeignWriters(stats, owners)
}

/**
 * Says the same for a folder and its content: with the sticky bit, as /tmp has it, only the owner
 * of an entry can replace it, so the owner of the entry counts.
 */
export function explainForeignReplacers(
  stats: Pick<Stats, 'uid' | 'gid' | 'mode'>,
  owners: readonly number[],
): string | undefined {
  const isSticky = (stats.mode & sticky) !== 0
  return explainForeignWriters(
    isSticky ? { ...stats, mode: stats.mode & ~(writableByAll | writableByGroup) } : stats,
    owners,
  )
}

function formatMode(mode: number): string {
  return `0${(mode & 0o7777).toString(8).padStart(3, '0')}`
}
