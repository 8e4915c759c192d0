import type { Dirent, Stats } from 'node:fs'
import { readdir, realpath, stat } from 'node:fs/promises'
import { extname, join, matchesGlob, posix } from 'node:path'
import type { Call } from '../call.ts'
import { DrayError } from '../errors.ts'

/** What a glob finds that does not say a file's ending itself. */
const endings: ReadonlySet<string> = new Set(['.yaml', '.yml', '.json'])
/** Folders of programs' own, never of what runs. */
const passedOver: ReadonlySet<string> = new Set(['.git', 'node_modules'])
/** A glob that leads through more was not meant. */
const maxEntries = 200_000
const magic = /[*?[\]{}()!]/

/** A file that a glob found. */
export interface FoundFile {
  readonly path: string
  /** as it is called in messages: relative to the folder, as far as the glob is */
  readonly name: string
}

/**
 * The files that a glob finds, sorted by name. Unlike a shell's, a folder that cannot be read is an error, and so is a link that leads nowhere; links to
 * folders are followed, but not in circles. A name that begins with a dot is found by a dot in the glob alone.
 * @param folder what the glob is relative to
 * @throws `refused` where it finds none; `io`.
 */
export async function findFiles(glob: string, folder: string, call: Call): Promise<readonly FoundFile[]> {
  const steps = posix.normalize(glob).split('/')
  const firstMagic = steps.findIndex((step) => magic.test(step))
  const fixed = firstMagic < 0 ? steps : steps.slice(0, firstMagic)
  const rest = firstMagic < 0 ? [] : steps.slice(firstMagic)
  const prefix = fixed.join('/') || (glob.startsWith('/') ? '/' : '')
  const start = posix.isAbsolute(prefix) ? prefix : join(folder, prefix)
  const there = await attempt(start, () => statOrAbsent(start))
  if (there === undefined) throw nothingFound(glob, folder)
  const found =
    rest.length === 0
      ? [{ path: start, name: prefix }]
      : await walkFolder({ start, prefix, pattern: rest, entries: 0 }, call)
  if (found.length === 0) throw nothingFound(glob, folder)
  return found.sort((a, b) => (a.name < b.name ? -1 : 1))
}

interface Search {
  readonly start: string
  /** the names of what is found begin with it */
  readonly prefix: string
  /** of the path below `start` */
  readonly pattern: readonly string[]
  entries: number
}

async function walkFolder(search: Search, call: Call): Promise<FoundFile[]> {
  const found: FoundFile[] = []
  const wanted = wantedBy(search.pattern)
  const maxDepth =
    search.pattern.includes('**') || /[{(]/.test(search.pattern.join('')) ? Infinity : search.pattern.length
  const visit = async (below: string, ancestors: ReadonlySet<string>): Promise<void> => {
    call.signal.throwIfAborted()
    const path = join(search.start, below)
    const real = await attempt(path, () => realpath(path))
    if (ancestors.has(real)) return
    for (const entry of await attempt(path, () => readdir(path, { withFileTypes: true }))) {
      search.entries += 1
      if (search.entries > maxEntries) throw tooMany(search)
      const name = below === '' ? entry.name : `${below}/${entry.name}`
      if (await isFolder(entry, join(search.start, name), name, wanted)) {
        const isDeeper = name.split('/').length < maxDepth && !passedOver.has(entry.name)
        if (isDeeper && canMatchBelow(entry.name, search)) await visit(name, new Set([...ancestors, real]))
      } else if (wanted(name)) {
        found.push({ path: join(search.start, name), name: posix.join(search.prefix, name) })
      }
    }
  }
  await visit('', new Set())
  return found
}

/** A hidden folder that the glob does not name is passed over as a shell does, so that one which may not be read is no error. */
function canMatchBelow(name: string, { pattern }: Search): boolean {
  return (
    !name.startsWith('.') ||
    pattern.some((step) => step.startsWith('.') || step.includes('{') || step.includes('['))
  )
}

/** Where a link leads nowhere it is no folder: that is an error only if its name is wanted. */
async function isFolder(
  entry: Dirent,
  path: string,
  name: string,
  wanted: (name: string) => boolean,
): Promise<boolean> {
  if (!entry.isSymbolicLink()) return entry.isDirectory()
  try {
    return (await stat(path)).isDirectory()
  } catch (cause) {
    if (wanted(name)) throw unreadable(path, cause)
    return false
  }
}

function wantedBy(pattern: readonly string[]): (name: string) => boolean {
  const whole = pattern.join('/')
  const last = pattern.at(-1) ?? ''
  const own = extname(last)
  const saysEnding = own.length > 1 && !magic.test(own)
  return (name) => matchesGlob(name, whole) && (saysEnding || endings.has(extname(name).toLowerCase()))
}

async function statOrAbsent(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path)
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT' || codeOf(cause) === 'ENOTDIR') return undefined
    throw cause
  }
}

async function attempt<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    throw unreadable(path, cause)
  }
}

/** Where what runs is said in a place that cannot be read, nothing is deleted. */
export function unreadable(path: string, cause: unknown): DrayError {
  if (cause instanceof DrayError) return cause
  return new DrayError('io', `${path} cannot be read`, {
    subject: path,
    why: cause instanceof Error ? cause.message : String(cause),
    hint: 'Nothing is deleted while it is not known what runs.',
    cause,
  })
}

function codeOf(thrown: unknown): unknown {
  return thrown instanceof Error && 'code' in thrown ? thrown.code : undefined
}

function nothingFound(glob: string, folder: string): DrayError {
  return new DrayError('refused', `no YAML or JSON file matches ${glob}`, {
    subject: glob,
    why: `it is relative to ${folder}`,
    hint: 'Correct the glob; other kinds of files are found by their ending (*.sops) or name.',
  })
}

function tooMany({ start }: Search): DrayError {
  return new DrayError('refused', `${start} holds more than ${maxEntries} files and folders`, {
    subject: start,
    hint: 'Let the globs lead to less.',
  })
}
