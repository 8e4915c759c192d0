import { digestOf, parseDigest } from '../../src/oci/digest.ts'
import { parseRepository } from '../../src/oci/reference.ts'
import type { DeleteManifestStep, DeleteTagStep } from '../../src/plan/prune/prune-plan.ts'

const repository = parseRepository('registry.example.com/dev/api')
const why = { kind: 'rule', by: 'old', text: 'old: 41d old, older than 30d' } as const
export const deletedDigest = digestOf('deleted')

/** The delete of an image with two tags, with the fields of `over`. */
export function manifestStep(over: Partial<DeleteManifestStep> = {}): DeleteManifestStep {
  const target = { mediaType: 'application/vnd.oci.image.index.v1+json', digest: deletedDigest, size: 512 }
  return {
    kind: 'deleteManifest',
    id: 'm1',
    repository,
    after: [],
    why,
    target,
    losesTags: ['pr-1', 'pr-1-again'],
    ...over,
  }
}

export function untagStep(over: Partial<DeleteTagStep> = {}): DeleteTagStep {
  const digest = parseDigest(deletedDigest)
  return { kind: 'deleteTag', id: 't1', repository, after: [], why, tag: 'pr-1', digest, ...over }
}
