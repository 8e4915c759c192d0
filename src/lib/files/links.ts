import { lstatSync, readlinkSync, type Stats } from 'node:fs'
import { dirname, relative, resolve } from 'node:path'
import { explainForeignWriters } from './ownership.ts'

/** As in Linux. */
const maxLinks = 40

/** A symbolic link that dray must not follow. */
export interface ForeignLink {
  readonly path: string
  readonly why: string
}

/**
 * Returns the first link in an absolute path that belongs to none of `owners`, including links
 * behind links. The owner of a link chooses what is read: it could be something of
 * the user with content of others, such as the working tree of a repository.
 * @throws the system's error.
 */
export function findForeignLink(path: string, owners: readonly number[]): ForeignLink | undefined {
  let rest = path
  for (let links = 0; links < maxLinks; links++) {
    const link = firstLink(rest)
    if (link === undefined) return undefined
    // The mode of a link has no meaning.
    const { uid, gid } = link.stats
    const why = explainForeignWriters({ uid, gid, mode: 0 }, owners)
    if (why !== undefined) return { path: link.path, why: `it is a symbolic link: ${why}` }
    rest = resolve(dirname(link.path), readlinkSync(link.path), relative(link.path, rest))
  }
  return { path, why: 'too many symbolic links lead to it' }
}

/** Returns the link that the system resolves first. */
function firstLink(path: string): { readonly path: string; readonly stats: Stats } | undefined {
  const above = dirname(path)
  const first = above === path ? undefined : firstLink(above)
  if (first !== undefined) return first
  const stats = lstatSync(path, { throwIfNoEntry: false })
  return stats?.isSymbolicLink() === true ? { path, stats } : undefined
}
