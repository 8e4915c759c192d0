import { type Git, splitNul } from '../process/git.ts'
import type { PublishRequest } from '../publish-request.ts'
import { oneLine } from './message.ts'

const maxCommits = 1000

/** Which commits are between two others. */
export interface CommitRange {
  readonly count: number
  /** commits with the trailers of dray, of any run */
  readonly byDray: number
  /** commits for the images and digests of the request: edits of an earlier attempt */
  readonly ofRequest: number
}

/**
 * Returns the commits that `to` has and `from` does not have. dray recognises its commits by their
 * trailers.
 */
export async function readRange(
  git: Git,
  from: string,
  to: string,
  trailers: PublishRequest['trailers'],
): Promise<CommitRange> {
  const values = ['Dray-Image', 'Dray-Digest'].map((name) => `%(trailers:key=${name},valueonly)`).join('')
  const args = ['log', '-z', `--max-count=${maxCommits}`, `--format=tformat:${values}`, `${from}..${to}`]
  const entries = splitNul(await git.read(`list the commits of ${git.folder}`, args)).map(linesOf)
  const wanted = ['Dray-Image', 'Dray-Digest'].flatMap((wantedName) =>
    trailers.filter(([name]) => name === wantedName).map(([, value]) => oneLine(value)),
  )
  return {
    count: entries.length,
    byDray: entries.filter((lines) => lines.length > 0).length,
    ofRequest: entries.filter((lines) => lines.length > 0 && lines.join('\n') === wanted.join('\n')).length,
  }
}

function linesOf(text: string): readonly string[] {
  return text.split('\n').filter((line) => line !== '')
}

export async function isAncestor(git: Git, commit: string, of: string): Promise<boolean> {
  return (await git.run(['merge-base', '--is-ancestor', commit, of])).status === 0
}
