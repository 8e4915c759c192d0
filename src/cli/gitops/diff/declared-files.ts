import type { FilesRule, GitOpsConfig } from '../../../config/gitops/gitops.ts'
import type { Call } from '../../../lib/call.ts'
import type { DeclaredFile } from '../../../usecases/gitops/diff/declared.ts'
import type { ImageOwners } from '../../../usecases/gitops/diff/image-owners.ts'
import { gatherFiles } from '../../../usecases/gitops/gather.ts'
import { deploymentFilesIn } from '../deployment-files.ts'

/**
 * Reads the files of an environment, each once, sorted by name.
 * @param ownersOf the images that a rule finds by their names
 * @throws as `gatherFiles`.
 */
export async function readDeclaredFiles(
  config: GitOpsConfig,
  images: readonly string[],
  ownersOf: (rule: FilesRule) => ImageOwners,
  call: Call,
): Promise<readonly DeclaredFile[]> {
  const request = { config, images: images.map((image) => ({ image })) }
  const files = await gatherFiles(request, deploymentFilesIn(config.folder), call)
  return files.map(({ rule, ...file }) => ({
    ...file,
    ...(rule !== undefined && { owners: ownersOf(rule) }),
  }))
}
