import { DrayError } from '../../lib/errors.ts'
import type { Digest } from '../../oci/digest.ts'
import { formatAt, type RepositoryName } from '../../oci/reference.ts'
import { escapeText } from '../../render/text/escape.ts'
import { escapeJson } from '../command/result-document.ts'

/** The parts of a result that the formats with lines print. A command has those of its formats. */
export interface ResultLines {
  /** `jsonl`: one object per line */
  readonly rows?: () => readonly unknown[]
  /** `name`: references that are valid arguments of dray */
  readonly names?: () => readonly string[]
  /** `digest` */
  readonly digests?: () => readonly string[]
}

/** The lines of images that are named by their digests. */
export function digestLines(
  images: readonly { readonly repository: RepositoryName; readonly digest: Digest }[],
): ResultLines {
  return {
    names: () => images.map(({ repository, digest }) => formatAt(repository, { digest })),
    digests: () => images.map(({ digest }) => digest),
  }
}

/** Formats the lines of a result, each with a line end. Names and digests are distinct. */
export function formatLines(format: 'jsonl' | 'name' | 'digest', lines: ResultLines): string {
  const { rows, names, digests } = lines
  if (format === 'jsonl' && rows !== undefined)
    return rows()
      .map((row) => `${escapeJson(JSON.stringify(row))}\n`)
      .join('')
  const list = format === 'name' ? names : digests
  if (format === 'jsonl' || list === undefined)
    throw new DrayError('internal', `the command does not print the format ${format}`)
  return [...new Set(list())].map((line) => `${escapeText(line)}\n`).join('')
}
