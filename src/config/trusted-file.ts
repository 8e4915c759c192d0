import type { Stats } from 'node:fs'
import { lstat, realpath, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { DrayError } from '../lib/errors.ts'
import { ioError, systemCode } from '../lib/files/io-error.ts'
import { findForeignLink } from '../lib/files/links.ts'
import { othersWhoReplace, othersWhoWrite } from '../lib/files/ownership.ts'
import { readFileBounded } from '../lib/files/read.ts'
import { maxFileSize } from './source.ts'

/** No file of the largest size that the parser takes has more bytes: a character has at most four. */
const maxBytes = 4 * maxFileSize

/** User ids whose files are obeyed; undefined on Windows, which has none. */
export type Owners = readonly number[] | undefined

/**
 * Refuses a configuration that was found by search if others than `owners` can write to it or replace it. A person who can do that
 * decides where images go and which hosts get credentials, as CVE-2022-24765 showed for git. The links that lead to
 * it count as well, and so do the folders that it was found in and that it is in.
 * @throws `config`; `io` if it is no regular file.
 */
export async function refuseUntrusted(file: string, owners: Owners): Promise<void> {
  const entry = await lstat(file)
  const target = entry.isSymbolicLink() ? await followed(file) : entry
  if (target?.isFile() === false && !target.isDirectory())
    throw new DrayError('io', `${file} is not a regular file`, { subject: file })
  if (owners === undefined) return
  const faults = [
    ...(entry.isSymbolicLink() ? faultOfLinks(file, owners) : []),
    ...(target?.isFile() === true ? faultOf(file, target, othersWhoWrite(target, owners)) : []),
  ]
  const real = target === undefined ? file : await realpath(file)
  for (const folder of new Set([dirname(file), dirname(real)])) {
    const above = await stat(folder)
    const others = othersWhoReplace(above, owners)
    faults.push(...faultOf(folder, above, others, `others can replace it in ${folder}: `))
  }
  if (faults.length > 0) throw untrusted(file, faults)
}

/** The content of such a file. What is read is the file that was checked. @throws as `refuseUntrusted`; `io`. */
export async function readTrusted(file: string, owners: Owners): Promise<string> {
  const bytes = await readFileBounded(file, maxBytes, {
    check: (stats) => {
      const faults = owners === undefined ? [] : faultOf(file, stats, othersWhoWrite(stats, owners))
      if (faults.length > 0) throw untrusted(file, faults)
    },
  })
  return Buffer.from(bytes ?? []).toString('utf8')
}

interface Fault {
  readonly why: string
  /** what the user can correct with chmod */
  readonly own?: string
}

/** What a link leads to; undefined if it leads nowhere. @throws `io` for links in a circle. */
async function followed(file: string): Promise<Stats | undefined> {
  try {
    return await stat(file)
  } catch (cause) {
    if (systemCode(cause) !== 'ELOOP') return undefined
    throw ioError(cause, `cannot read the configuration ${file}`, file)
  }
}

function faultOfLinks(file: string, owners: readonly number[]): readonly Fault[] {
  const link = findForeignLink(file, owners)
  if (link === undefined) return []
  return [{ why: link.path === file ? link.why : `${link.path} leads to it: ${link.why}` }]
}

function faultOf(path: string, { uid }: Stats, others: string | undefined, of = ''): readonly Fault[] {
  if (others === undefined) return []
  return [{ why: `${of}${others}`, ...(uid === process.geteuid?.() && { own: path }) }]
}

function untrusted(file: string, [fault, ...more]: readonly Fault[]): DrayError {
  // With several faults, one chmod would lead to the same error again.
  const own = more.length === 0 ? fault?.own : undefined
  return new DrayError('config', `cannot use the configuration ${file}, which was found by search`, {
    subject: file,
    why: [fault, ...more].flatMap((one) => (one === undefined ? [] : [one.why])).join('; '),
    hint:
      own === undefined
        ? `To use it on purpose, pass --config ${file} or set DRAY_CONFIG.`
        : `Look at what is in it, then run "chmod go-w ${own}".`,
  })
}
