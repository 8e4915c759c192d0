import { lstatSync, realpathSync, type Stats, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { DrayError } from '../../lib/errors.ts'
import { ioError, systemCode } from '../../lib/files/io-error.ts'
import { findForeignLink } from '../../lib/files/links.ts'
import { explainForeignReplacers, explainForeignWriters } from '../../lib/files/ownership.ts'
import { readFileBounded } from '../../lib/files/read.ts'

/** The largest configuration that the parser accepts, in characters. */
export const maxFileSize: number = 1024 * 1024
/** A character has at most four bytes. */
const maxBytes = 4 * maxFileSize

/** User ids whose files are trusted; undefined on Windows, which has none. */
export type Owners = readonly number[] | undefined

/**
 * Refuses a configuration found by search if others than `owners` can write or replace it. Such a
 * person decides where images go and which hosts get credentials (compare CVE-2022-24765 for git).
 * The rule includes the links to the file, the folder of the search and the folder of the file.
 * @throws `config`; `io` if it is no regular file.
 */
export function refuseUntrusted(file: string, owners: Owners): void {
  const entry = lstatSync(file)
  const target = entry.isSymbolicLink() ? followed(file) : entry
  if (target?.isFile() === false && !target.isDirectory())
    throw new DrayError('io', `${file} is not a regular file`, { subject: file })
  if (owners === undefined) return
  const faults = [
    ...(entry.isSymbolicLink() ? faultOfLinks(file, owners) : []),
    ...(target?.isFile() === true ? faultOf(file, target, explainForeignWriters(target, owners)) : []),
  ]
  const real = target === undefined ? file : realpathSync.native(file)
  for (const folder of new Set([dirname(file), dirname(real)])) {
    const above = statSync(folder)
    const others = explainForeignReplacers(above, owners)
    faults.push(...faultOf(folder, above, others, `others can replace it in ${folder}: `))
  }
  if (faults.length > 0) throw untrusted(file, faults)
}

/** Reads such a file. It checks the open file again. @throws as `refuseUntrusted`; `io`. */
export async function readTrusted(file: string, owners: Owners): Promise<string> {
  const bytes = await readFileBounded(file, maxBytes, {
    check: (stats) => {
      const faults = owners === undefined ? [] : faultOf(file, stats, explainForeignWriters(stats, owners))
      if (faults.length > 0) throw untrusted(file, faults)
    },
  })
  return Buffer.from(bytes ?? []).toString('utf8')
}

interface Fault {
  readonly why: string
  /** the path that the user can correct with chmod */
  readonly own?: string
}

/** The target of a link; undefined if there is none. @throws `io` for links in a circle. */
function followed(file: string): Stats | undefined {
  try {
    return statSync(file)
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
        : `Check its content, then run "chmod go-w ${own}".`,
  })
}
