import type { FilesRule, PlaceRule } from '../../config/gitops/gitops.ts'
import type { Call } from '../../lib/call.ts'
import { inParallel } from '../../images/parallel.ts'
import type { FilesRequest } from './request.ts'
import { noFile } from './edit-errors.ts'

/** Files that are read in parallel. */
const readsAtOnce = 8

/** Reads files below one folder. */
export interface DeploymentFiles {
  /** The files that a path or glob matches, sorted, relative to the folder. @throws `io`. */
  list(glob: string, call: Call): Promise<readonly string[]>
  /** @throws `io`; `not-found`; `refused` for a link that leaves the folder, and large files. */
  read(file: string, call: Call): Promise<Uint8Array>
}

/** A file with the rules that it is read for. */
export interface GatheredFile {
  /** relative to the folder, with `/` */
  readonly file: string
  readonly bytes: Uint8Array
  /** the first rule whose globs match */
  readonly rule?: FilesRule
  /** the positions of wanted images in it */
  readonly places: readonly PlaceRule[]
}

/**
 * Reads the deployment files of an environment, each once: those that globs match, and those with
 * a position of a wanted image.
 * @returns sorted by name
 * @throws `not-found` for a glob or path that matches no file; what the files throw.
 */
export async function gatherFiles(
  { config, images }: FilesRequest,
  files: DeploymentFiles,
  call: Call,
): Promise<readonly GatheredFile[]> {
  const wanted = new Set(images.map(({ image }) => image))
  const found = new Map<string, { rule?: FilesRule; places: PlaceRule[] }>()
  const of = (file: string): { rule?: FilesRule; places: PlaceRule[] } => {
    const one = found.get(file) ?? { places: [] }
    found.set(file, one)
    return one
  }
  for (const rule of config.rules) {
    if (rule.kind === 'place') {
      if (wanted.has(rule.image)) of(await onlyFile(rule, files, call)).places.push(rule)
      continue
    }
    for (const glob of rule.files)
      for (const file of await filesOf(rule, glob, files, call)) of(file).rule ??= rule
  }
  const sorted = [...found].sort(([a], [b]) => (a < b ? -1 : 1))
  return await inParallel(sorted, readsAtOnce, call, async ([file, { rule, places }], inner) => ({
    file,
    bytes: await files.read(file, inner),
    ...(rule !== undefined && { rule }),
    places,
  }))
}

async function filesOf(
  rule: FilesRule,
  glob: string,
  files: DeploymentFiles,
  call: Call,
): Promise<readonly string[]> {
  const names = (await files.list(glob, call)).map(normalName).filter((name) => isTaken(name, glob))
  if (names.length === 0) throw noFile(rule, glob)
  return names
}

async function onlyFile(rule: PlaceRule, files: DeploymentFiles, call: Call): Promise<string> {
  const [name] = await files.list(escapeGlob(rule.file), call)
  if (name === undefined) throw noFile(rule, rule.file)
  return normalName(rule.file)
}

/** The text of a path has no wildcards. */
function escapeGlob(path: string): string {
  return path.replaceAll(/[*?[{]/g, (character) => `[${character}]`)
}

/** `./a//b.yaml` is `a/b.yaml`. */
function normalName(path: string): string {
  return path
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/')
}

/** A wildcard takes only files that can name images; a file without a wildcard is always taken. */
function isTaken(name: string, glob: string): boolean {
  if (!/[*?[{]/.test(glob)) return true
  return /\.(?:ya?ml|json)$/i.test(name) || /(?:^|\/)Kustomization$/.test(name)
}
