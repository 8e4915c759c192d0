import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { FileToPublish, PublishRequest } from '../../../src/deployments/git/publish-request.ts'

/** The lines of each file that begin with `image:`, set to this digest. */
export function setImage(text: string, digest: string, image = 'image'): string {
  return text.replaceAll(new RegExp(`^${image}: .*$`, 'gm'), `${image}: ${digest}`)
}

async function fileToPublish(path: string): Promise<FileToPublish> {
  return {
    path,
    hash: `sha256:${createHash('sha256')
      .update(await readFile(path))
      .digest('hex')}`,
  }
}

/** A request that commits these files, whose edits set the line `image:` to a digest. */
export async function publishRequest(
  folder: { readonly path: string },
  names: readonly string[],
  over: Partial<PublishRequest> & { readonly digest?: string; readonly key?: string } = {},
): Promise<PublishRequest> {
  const { digest = 'two', key = 'image', ...rest } = over
  return {
    mode: 'commit',
    message: 'Deploy api 1.4.2 to prod',
    folder: folder.path,
    files: await Promise.all(names.map((name) => fileToPublish(join(folder.path, name)))),
    trailers: [
      ['Dray-Image', 'registry.test/prod/api:1.4.2'],
      ['Dray-Digest', digest],
      ['Dray-Plan', 'sha256:11'],
      ['Dray-Run', 'run-1'],
    ],
    pullRequestBranch: `dray/prod/${digest}`,
    editAgain: async (other) => {
      const edited: string[] = []
      for (const name of names) {
        const path = join(other, name)
        const before = await readFile(path, 'utf8')
        const after = setImage(before, digest, key)
        if (after === before) continue
        await writeFile(path, after)
        edited.push(path)
      }
      return edited
    },
    ...rest,
  }
}
