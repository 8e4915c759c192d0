import { execFileSync } from 'node:child_process'

/**
 * The time of a release file, in seconds since 1970: `SOURCE_DATE_EPOCH`, or the time of the last
 * commit of the folder. A rebuild of a commit therefore gives the same bytes
 * (https://reproducible-builds.org/specs/source-date-epoch/).
 * @throws Error if the variable is not a whole number, or if there is neither.
 */
export function sourceDate(folder: string, env: NodeJS.ProcessEnv = process.env): number {
  const given = env['SOURCE_DATE_EPOCH']
  if (given === undefined || given === '') return readCommitTime(folder)
  if (!/^\d{1,11}$/.test(given))
    throw new Error(`SOURCE_DATE_EPOCH is ${JSON.stringify(given)}, not a number of seconds`)
  return Number(given)
}

function readCommitTime(folder: string): number {
  return Number(execFileSync('git', ['log', '-1', '--format=%ct'], { cwd: folder, encoding: 'utf8' }).trim())
}

/** The day in UTC: `2026-11-28`. @param seconds since 1970 */
export function isoDay(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, 10)
}
