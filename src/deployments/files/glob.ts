import { type BigIntStats, type Dirent } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { matchesGlob, resolve } from 'node:path'
import type { Call } from '../../lib/call.ts'
import { DrayError } from '../../lib/errors.ts'
import { explainFailure } from '../../lib/files/io-error.ts'

/** A glob that matches more is a mistake. */
const maxFiles = 100_000
const maxAlternatives = 1000
/** characters, as the longest path of the system */
const maxLength = 4096

/**
 * Returns the files that a glob matches, sorted: `*`, `?`, `[…]` within a component, `**` across
 * them, `{a,b}`. Names that begin with a dot must be written out. Links are followed, each folder
 * once. The glob of Node skips what it cannot list. Here that is an error, because missing images
 * would be deleted.
 * @returns names as the glob begins them: relative to the folder, or absolute
 * @throws `io` for a folder that cannot be listed and a link to a path that does not exist;
 * `refused` for too many files.
 */
export async function filesMatching(glob: string, folder: string, call: Call): Promise<readonly string[]> {
  if (glob.length > maxLength) {
    throw new DrayError('refused', `a glob is longer than ${maxLength} characters`, {
      subject: `${glob.slice(0, 100)}…`,
    })
  }
  const search = new Search(folder, call)
  for (const one of alternatives(glob)) {
    const parts = one.split('/').filter((part, i) => part !== '.' && (part !== '' || i === 0))
    if (parts[0] === '') await search.descend('/', parts.slice(1))
    else await search.descend('', parts)
  }
  return [...search.files].sort()
}

/** Whether a component has a wildcard. */
export function isPattern(text: string): boolean {
  return /[*?[{]/.test(text)
}

/** `a/{b,c/d}` is `a/b` and `a/c/d`. */
function alternatives(glob: string): readonly string[] {
  const done: string[] = []
  const open = [glob]
  for (let one = open.pop(); one !== undefined; one = open.pop()) {
    // the innermost first
    const found = /\{([^{}]*,[^{}]*)\}/.exec(one)
    if (found === null) done.push(one)
    else
      for (const choice of (found[1] ?? '').split(','))
        open.push(one.slice(0, found.index) + choice + one.slice(found.index + found[0].length))
    if (open.length + done.length > maxAlternatives)
      throw new DrayError('refused', `${JSON.stringify(glob)} expands to too many globs`, { subject: glob })
  }
  return done
}

class Search {
  readonly files = new Set<string>()
  readonly #folder: string
  readonly #call: Call
  /** folders with the pattern below them: links may lead to the same folder again */
  readonly #seen = new Set<string>()

  constructor(folder: string, call: Call) {
    this.#folder = folder
    this.#call = call
  }

  /**
   * @param prefix the folder with a slash at its end; empty for the folder where the search begins
   */
  async descend(prefix: string, parts: readonly string[]): Promise<void> {
    this.#call.signal.throwIfAborted()
    const [part, ...rest] = parts
    if (part === undefined) return
    if (part === '**') await this.#descendAll(prefix, rest)
    else if (isPattern(part)) await this.#descendMatching(prefix, part, rest)
    else await this.#take(`${prefix}${part}`, rest, await this.#stat(`${prefix}${part}`))
  }

  async #descendAll(prefix: string, rest: readonly string[]): Promise<void> {
    // `**` at the end matches all files below.
    const below = rest.length === 0 ? ['*'] : rest
    if (!(await this.#isNew(prefix, ['**', ...below]))) return
    await this.descend(prefix, below)
    for (const entry of await this.#list(prefix)) {
      if (entry.name.startsWith('.') || entry.isFile()) continue
      const name = `${prefix}${entry.name}`
      if ((await this.#statEntry(name)).isDirectory()) await this.descend(`${name}/`, ['**', ...below])
    }
  }

  async #descendMatching(prefix: string, part: string, rest: readonly string[]): Promise<void> {
    if (!(await this.#isNew(prefix, [part, ...rest]))) return
    for (const { name } of await this.#list(prefix)) {
      if (name.startsWith('.') && !part.startsWith('.')) continue
      if (!matchesGlob(name, part)) continue
      await this.#take(`${prefix}${name}`, rest, await this.#statEntry(`${prefix}${name}`))
    }
  }

  /**
   * Adds a file, or descends into a folder. Anything else counts as a file, and reading it fails.
   */
  async #take(name: string, rest: readonly string[], stats: BigIntStats | undefined): Promise<void> {
    if (stats === undefined) return
    if (stats.isDirectory()) await this.descend(`${name}/`, rest)
    else if (rest.length === 0) this.files.add(name)
    if (this.files.size > maxFiles)
      throw new DrayError('refused', `a glob matches more than ${maxFiles} files`, { subject: name })
  }

  async #isNew(prefix: string, parts: readonly string[]): Promise<boolean> {
    const stats = await this.#stat(prefix === '' ? '.' : prefix)
    if (stats === undefined || !stats.isDirectory()) return false
    const key = `${stats.dev}:${stats.ino}:${parts.join('/')}`
    if (this.#seen.has(key)) return false
    this.#seen.add(key)
    return true
  }

  /** Sorted, so that the same one of two names of a folder is always used. */
  async #list(prefix: string): Promise<readonly Dirent[]> {
    const path = resolve(this.#folder, prefix)
    try {
      const entries = await readdir(path, { withFileTypes: true })
      return entries.sort((a, b) => (a.name < b.name ? -1 : 1))
    } catch (cause) {
      throw notListed(path, cause)
    }
  }

  /** Undefined if nothing exists there. */
  async #stat(name: string): Promise<BigIntStats | undefined> {
    const path = resolve(this.#folder, name)
    try {
      return await stat(path, { bigint: true })
    } catch (cause) {
      if (cause instanceof Error && 'code' in cause && (cause.code === 'ENOENT' || cause.code === 'ENOTDIR'))
        return undefined
      throw notListed(path, cause)
    }
  }

  /** Returns the status of an entry of a folder; only a broken link has none. */
  async #statEntry(name: string): Promise<BigIntStats> {
    const stats = await this.#stat(name)
    if (stats !== undefined) return stats
    const path = resolve(this.#folder, name)
    throw notListed(path, new Error('it is a link to a path that does not exist'))
  }
}

function notListed(path: string, cause: unknown): DrayError {
  return new DrayError('io', `cannot read ${path}`, {
    subject: path,
    why: explainFailure(cause),
    hint: 'Make the path readable, or change the glob. dray deletes nothing while the images in use are unknown.',
    cause,
  })
}
