import { execFileSync } from 'node:child_process'

/**
 * The mirror of Debian: `DEBIAN_MIRROR`, or else the first one that apt of this machine uses.
 * Undefined if there is neither. Folders such as `debian/` are below it.
 */
export function findMirror(): string | undefined {
  const chosen = process.env['DEBIAN_MIRROR']
  if (chosen !== undefined && chosen !== '') return chosen.replace(/\/+$/, '')
  return mirrorIn(listArchives())
}

/** The address above the folder `debian/` in a list of archives, one on each line. */
export function mirrorIn(archives: string): string | undefined {
  return archives
    .split('\n')
    .flatMap((line) => /^(https?:\/\/.+)\/debian\/?$/.exec(line.trim())?.[1] ?? [])[0]
}

/** Empty on a machine without apt. */
function listArchives(): string {
  try {
    return execFileSync('apt-get', ['indextargets', '--format', '$(REPO_URI)'], { encoding: 'utf8' })
  } catch {
    return ''
  }
}
