import type { FilesRule, GitOpsRule } from '../../../src/config/gitops/gitops.ts'
import { digestOf, type Digest } from '../../../src/oci/digest.ts'
import { formatRepository } from '../../../src/oci/reference.ts'
import type { EditStep } from '../../../src/plan/edits/edit-step.ts'
import { plainReading } from '../../../src/semver/version.ts'
import { decideEdits, type DecidedEdits } from '../../../src/usecases/gitops/decide.ts'
import { gatherFiles, type DeploymentFiles } from '../../../src/usecases/gitops/gather.ts'
import type { EditRequest, WantedImage } from '../../../src/usecases/gitops/request.ts'
import { matchesGlob } from 'node:path'

export const newDigest: Digest = digestOf('new')
export const oldDigest: Digest = digestOf('old')

/** `api` of two targets, which gets 1.4.2. */
export function wanted(more: Partial<WantedImage> = {}): WantedImage {
  const { image = 'api' } = more
  return {
    image,
    environment: 'prod',
    name: image,
    repository: { registry: 'eu.example.com', path: `prod/${image}` },
    repositories: [
      { registry: 'eu.example.com', path: `prod/${image}` },
      { registry: 'us.example.com', path: `prod/${image}` },
    ],
    digest: newDigest,
    tag: '1.4.2',
    reading: plainReading,
    ...more,
  }
}

export const allYaml: FilesRule = {
  kind: 'files',
  name: 'environments.prod.gitops[0]',
  files: ['**/*.yaml'],
  write: 'both',
  as: [],
}

export function request(
  images: readonly WantedImage[],
  rules: readonly GitOpsRule[] = [allYaml],
): EditRequest {
  return {
    config: { environment: 'prod', folder: '/p', rules, git: {} },
    images,
    identify: formatRepository,
  }
}

/** Files in memory. */
export function filesOf(
  texts: Readonly<Record<string, string>>,
): DeploymentFiles & { readonly reads: string[] } {
  const reads: string[] = []
  return {
    reads,
    list: async (glob) =>
      Object.keys(texts)
        .filter((name) => matchesGlob(name, glob))
        .sort(),
    read: async (file) => {
      reads.push(file)
      return Buffer.from(texts[file] ?? '')
    },
  }
}

/** Decides edits of texts. */
export async function decided(
  texts: Readonly<Record<string, string>>,
  images: readonly WantedImage[] = [wanted()],
  rules: readonly GitOpsRule[] = [allYaml],
  begun: readonly EditStep[] = [],
): Promise<DecidedEdits & { readonly text: (file: string) => string | undefined }> {
  const call = { signal: new AbortController().signal, notify: () => undefined }
  const edits = { ...request(images, rules), begun }
  const found = decideEdits(await gatherFiles(edits, filesOf(texts), call), edits)
  return {
    ...found,
    text: (file) => {
      const bytes = found.results.get(file)
      return bytes === undefined ? undefined : Buffer.from(bytes).toString()
    },
  }
}
