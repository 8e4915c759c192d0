import { describe, expect, it } from 'vitest'
import type { Repositories } from '../../../../src/images/ports.ts'
import { DrayError, type ErrorCode } from '../../../../src/lib/errors.ts'
import { digestOf } from '../../../../src/oci/digest.ts'
import { parseRepository, type RepositoryName } from '../../../../src/oci/reference.ts'
import type { DesiredImage } from '../../../../src/usecases/gitops/diff/desired-image.ts'
import type { ComparedFacts } from '../../../../src/usecases/gitops/diff/facts.ts'
import { gatherCompared } from '../../../../src/usecases/gitops/diff/gather-compared.ts'
import { ImageOwners } from '../../../../src/usecases/gitops/diff/image-owners.ts'

const found = digestOf('found')

const target = (name: string): DesiredImage => ({
  image: 'api',
  repository: parseRepository(name),
  digest: digestOf('wanted'),
  version: '1.4.2',
  platforms: [],
})

/** Reads the tag that a file names, at two targets. The first one cannot be read. */
async function gather(code: ErrorCode): Promise<ComparedFacts> {
  const stores = {
    source: ({ registry }: RepositoryName) => ({
      resolve: async () => {
        if (registry === 'eu.test') throw new DrayError(code, 'cannot read eu.test')
        return { digest: found }
      },
    }),
  } as unknown as Repositories
  const desired = [target('eu.test/prod/api'), target('us.test/prod/api')]
  const owners = new ImageOwners(desired, [], {
    identify: ({ registry, path }) => `${registry}/${path}`,
    isUnmanaged: () => false,
  })
  const entry = { by: 'a.yaml', owner: { kind: 'image', image: 'api', desired }, tag: '1.4.1' } as const
  const call = { signal: new AbortController().signal, notify: () => undefined }
  return await gatherCompared(stores, [entry], [], owners, call)
}

describe('the tags that files name', () => {
  it('of a registry that cannot be read are missing, with the error of the repository', async () => {
    const { tags, errors } = await gather('network')
    expect([...tags]).toEqual([['us.test/prod/api:1.4.1', found]])
    expect([...errors]).toMatchObject([['eu.test/prod/api', { code: 'network' }]])
  })

  it('are not read further after the run was stopped', async () => {
    await expect(gather('interrupted')).rejects.toMatchObject({ code: 'interrupted' })
  })
})
