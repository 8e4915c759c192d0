import type { GitOpsRule } from '../../config/gitops/gitops.ts'
import { openFile } from '../../deployments/edit/open-file.ts'
import { findImageEntries } from '../../deployments/references/image-entries.ts'
import { isDrayError } from '../../lib/errors.ts'
import { parseRepository, type RepositoryName } from '../../oci/reference.ts'
import type { GatheredFile } from './gather.ts'

/**
 * Returns the images of an environment that its files and its rules name, sorted. Pure. A file that
 * cannot be parsed names those whose repository is in its text: the edit then refuses the file.
 * @param ownerOf the image that a repository has in the environment, also by another name (`as`)
 */
export function namedImages(
  files: readonly GatheredFile[],
  rules: readonly GitOpsRule[],
  ownerOf: (repository: RepositoryName, as: readonly string[]) => string | undefined,
): readonly string[] {
  const images = new Set(rules.flatMap((rule) => (rule.kind === 'place' ? [rule.image] : [])))
  for (const { file, bytes, rule } of files) {
    for (const name of namesIn(file, bytes)) {
      const found = ownerOf(parseRepository(name), rule?.as ?? [])
      if (found !== undefined) images.add(found)
    }
  }
  return [...images].sort()
}

function namesIn(file: string, bytes: Uint8Array): readonly string[] {
  try {
    const { entries } = findImageEntries(openFile({ name: file, bytes }))
    return entries.flatMap(({ names }) => names)
  } catch (error) {
    if (isDrayError(error) && error.code !== 'internal') return namesInText(bytes)
    throw error
  }
}

/** The words of a text that can be repositories, without tags. */
function namesInText(bytes: Uint8Array): readonly string[] {
  const words = new Set(
    Buffer.from(bytes)
      .toString('utf8')
      .split(/[^\w.\-:/]+/),
  )
  return [...words].flatMap((word) => {
    const tag = word.indexOf(':', word.lastIndexOf('/'))
    const name = tag < 0 ? word : word.slice(0, tag)
    return name.includes('/') && isRepository(name) ? [name] : []
  })
}

function isRepository(name: string): boolean {
  try {
    parseRepository(name)
    return true
  } catch (error) {
    if (isDrayError(error)) return false
    throw error
  }
}
