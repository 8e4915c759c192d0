import type { GitOpsRule } from '../../config/gitops/gitops.ts'
import { openFile } from '../../deployments/edit/open-file.ts'
import { findImageEntries } from '../../deployments/references/image-entries.ts'
import { isDrayError } from '../../lib/errors.ts'
import { parseRepository, type RepositoryName } from '../../oci/reference.ts'
import type { GatheredFile } from './gather.ts'

/**
 * Returns the images of an environment that its files and its rules name, sorted. Pure. A file that
 * cannot be parsed names none.
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
    if (isDrayError(error) && error.code !== 'internal') return []
    throw error
  }
}
