import type { FilesRule, GitOpsConfig, GitOpsRule, PlaceRule } from '../../../config/gitops/gitops.ts'
import { readEditable } from '../../../deployments/edit/write-edited.ts'
import { filesMatching, isPattern } from '../../../deployments/files/glob.ts'
import { inParallel } from '../../../images/parallel.ts'
import type { Call } from '../../../lib/call.ts'
import { DrayError } from '../../../lib/errors.ts'
import type { DeclaredFile } from '../../../usecases/gitops/diff/declared.ts'
import type { ImageOwners } from '../../../usecases/gitops/diff/image-owners.ts'

/** Files that are read in parallel. */
const atOnce = 8

/**
 * Reads the files of an environment, each once, sorted by name.
 * @param ownersOf the images that a rule finds by their names
 * @throws `refused` for a glob that matches no file, and for a link out of the folder of dray.yaml;
 * `io`.
 */
export async function readDeclaredFiles(
  { folder, rules }: GitOpsConfig,
  images: readonly string[],
  ownersOf: (rule: FilesRule) => ImageOwners,
  call: Call,
): Promise<readonly DeclaredFile[]> {
  const found = new Map<string, { rule?: FilesRule; places: PlaceRule[] }>()
  for (const rule of rules) {
    for (const name of await namesOf(rule, images, folder, call)) {
      const one = found.get(name) ?? { places: [] }
      found.set(name, one)
      if (rule.kind === 'place') one.places.push(rule)
      else one.rule ??= rule
    }
  }
  const sorted = [...found].sort(([a], [b]) => (a < b ? -1 : 1))
  return await inParallel(sorted, atOnce, call, async ([file, { rule, places }]) => ({
    file,
    bytes: (await readEditable(folder, file)).bytes,
    ...(rule !== undefined && { owners: ownersOf(rule) }),
    places,
  }))
}

async function namesOf(
  rule: GitOpsRule,
  images: readonly string[],
  folder: string,
  call: Call,
): Promise<readonly string[]> {
  if (rule.kind === 'place') return images.includes(rule.image) ? [normalName(rule.file)] : []
  const names: string[] = []
  for (const glob of rule.files) {
    const matched = (await filesMatching(glob, folder, call)).filter(
      (name) => !isPattern(glob) || /\.(?:ya?ml|json)$/i.test(name) || /(?:^|\/)Kustomization$/.test(name),
    )
    if (matched.length === 0) throw noFile(rule, glob)
    names.push(...matched.map(normalName))
  }
  return names
}

/** `./a//b.yaml` is `a/b.yaml`. */
function normalName(path: string): string {
  return path
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/')
}

function noFile({ name }: GitOpsRule, glob: string): DrayError {
  return new DrayError('refused', `no file matches ${JSON.stringify(glob)}`, {
    subject: glob,
    why: `it is in ${name} of dray.yaml`,
    hint: 'Correct the path in dray.yaml. It is relative to the folder of dray.yaml.',
  })
}
