import type { Stats } from 'node:fs'
import { lstat, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { DrayError } from '../errors.ts'
import { othersWhoReplace, othersWhoWrite } from '../files/ownership.ts'
import { readFileBounded } from '../files/read.ts'
import { maxFileSize } from './source.ts'

/** No file of the largest size that the parser takes has more bytes: a character has at most four. */
const maxBytes = 4 * maxFileSize

/** User ids whose files are obeyed; undefined on Windows, which has none. */
export type Owners = readonly number[] | undefined

/**
 * Refuses a configuration that was found by search if others than `owners` can write to it or replace it. Whoever can do that
 * decides where images go and which hosts get credentials, as CVE-2022-24765 showed for git. A link counts as well as the
 * file that it leads to, and so does the folder that the file was found in.
 * @throws `config`; `io` if it is no regular file.
 */
export async function refuseUntrusted(file: string, owners: Owners): Promise<void> {
  const entry = await lstat(file)
  const target = entry.isSymbolicLink() ? await stat(file).catch(() => undefined) : entry
  if (target?.isFile() === false && !target.isDirectory())
    throw new DrayError('io', `${file} is not a regular file`, { subject: file })
  if (owners === undefined) return
  // The mode of a link has no meaning.
  const link = entry.isSymbolicLink()
    ? othersWhoWrite({ uid: entry.uid, gid: entry.gid, mode: 0 }, owners)
    : undefined
  if (link !== undefined) throw untrusted(file, `it is a symbolic link: ${link}`, undefined)
  if (target?.isFile() === true) refuseWritable(file, target, owners)
  const folder = dirname(file)
  const above = await stat(folder)
  const others = othersWhoReplace(above, owners)
  if (others === undefined) return
  const isOwn = above.uid === process.geteuid?.()
  throw untrusted(file, `others can replace it in ${folder}: ${others}`, isOwn ? folder : undefined)
}

/** The content of such a file. What is read is the file that was checked. @throws as `refuseUntrusted`; `io`. */
export async function readTrusted(file: string, owners: Owners): Promise<string> {
  const bytes = await readFileBounded(file, maxBytes, {
    check: (stats) => {
      if (owners !== undefined) refuseWritable(file, stats, owners)
    },
  })
  return Buffer.from(bytes ?? []).toString('utf8')
}

function refuseWritable(file: string, stats: Stats, owners: readonly number[]): void {
  const others = othersWhoWrite(stats, owners)
  if (others === undefined) return
  throw untrusted(file, others, stats.uid === process.geteuid?.() ? file : undefined)
}

/** @param own what the user can correct with chmod */
function untrusted(file: string, why: string, own: string | undefined): DrayError {
  return new DrayError('config', `cannot use the configuration ${file}, which was found by search`, {
    subject: file,
    why,
    hint:
      own === undefined
        ? `To use it on purpose, pass --config ${file} or set DRAY_CONFIG.`
        : `Look at what is in it, then run "chmod go-w ${own}".`,
  })
}
