import { describe, expect, it } from 'vitest'
import { createEcrImitation } from '../../../src/embedded/vendors/ecr.ts'
import type { VendorOptions } from '../../../src/embedded/vendors/vendor.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { type Client, imageOf, indexOf, started } from '../http.ts'

const signature = `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261123/eu-west-1/ecr/aws4_request, SignedHeaders=host;x-amz-date, Signature=${'0'.repeat(64)}`

async function world(vendorOptions: VendorOptions = {}) {
  const clock = manualClock()
  const client = await started({ vendor: createEcrImitation(), vendorOptions, clock })
  return { ...client, clock }
}

/** Calls an operation without code of the project or of AWS. */
async function call({ call: send }: Client, operation: string, input: object, authorization = signature) {
  const reply = await send('POST', '/', {
    headers: {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': `AmazonEC2ContainerRegistry_V20150921.${operation}`,
      ...(authorization !== '' && { authorization }),
    },
    body: JSON.stringify(input),
  })
  return { status: reply.status, output: reply.json() as Record<string, unknown> }
}

async function digests(client: Client, input: object): Promise<unknown[]> {
  const { output } = await call(client, 'DescribeImages', { repositoryName: 'a', ...input })
  return (output['imageDetails'] as { imageDigest: string }[]).map(({ imageDigest }) => imageDigest)
}

describe('the API of ECR', () => {
  it('refuses requests without a signature with 400', async () => {
    const client = await world()
    expect(await call(client, 'DescribeImages', { repositoryName: 'a' }, '')).toEqual({
      status: 400,
      output: { __type: 'MissingAuthenticationTokenException', message: 'Missing Authentication Token' },
    })
  })

  it('lists pages by tokens, and at most 1,000 images', async () => {
    const client = await world({ pageLimit: 2 })
    for (const content of ['1', '2', '3']) await client.image('a', content)
    const first = await call(client, 'DescribeImages', { repositoryName: 'a', maxResults: 1000 })
    expect(first.output['imageDetails']).toHaveLength(2)
    const { nextToken } = first.output
    const rest = await call(client, 'DescribeImages', { repositoryName: 'a', nextToken })
    expect(rest.output).toMatchObject({ imageDetails: [expect.anything()] })
    expect(rest.output).not.toHaveProperty('nextToken')
    const tooMany = await call(client, 'DescribeImages', { repositoryName: 'a', maxResults: 1001 })
    expect(tooMany).toMatchObject({ status: 400, output: { __type: 'InvalidParameterException' } })
  })

  it('lists archived images only if the filter names them', async () => {
    const client = await world({ lockedTags: ['old'] })
    const active = await client.image('a', '1', 'new')
    const archived = await client.image('a', '2', 'old')
    expect(await digests(client, {})).toEqual([active.digest])
    expect(await digests(client, { filter: { imageStatus: 'ARCHIVED' } })).toEqual([archived.digest])
    expect(await digests(client, { filter: { imageStatus: 'ANY' } })).toHaveLength(2)
    expect(await digests(client, { filter: { tagStatus: 'UNTAGGED' } })).toEqual([])
    for (const reference of ['old', archived.digest])
      expect((await client.call('GET', `/v2/a/manifests/${reference}`)).status).toBe(404)
  })

  it('shows a pull up to 24 hours late', async () => {
    const client = await world()
    await client.image('a', '1', 'new')
    const pulls: unknown[] = []
    for (const hours of [1, 1, 23]) {
      await client.clock.advance(hours * 3_600_000)
      await client.call('GET', '/v2/a/manifests/new')
      const { output } = await call(client, 'DescribeImages', { repositoryName: 'a' })
      pulls.push((output['imageDetails'] as Record<string, unknown>[])[0]?.['lastRecordedPullTime'])
    }
    const start = Date.UTC(2026, 10, 23) / 1000
    expect(pulls).toEqual([start + 3600, start + 3600, start + 25 * 3600])
  })

  it('gives an index the size of its largest child', async () => {
    const client = await world()
    const [small, large] = [await client.image('a', 'x'), await client.image('a', 'x'.repeat(1000))]
    const index = await client.manifest('a', indexOf([small.descriptor, large.descriptor]), 'i')
    const { output } = await call(client, 'DescribeImages', { repositoryName: 'a' })
    const details = output['imageDetails'] as { imageDigest: string; imageSizeInBytes: number }[]
    expect(details.find(({ imageDigest }) => imageDigest === index.digest)?.imageSizeInBytes).toBe(1002)
  })

  it('deletes an image with its last tag', async () => {
    const client = await world()
    const { digest, body } = await client.image('a', '1', 'x')
    const headers = { 'content-type': imageOf(digest, digest, 0).mediaType }
    await client.call('PUT', '/v2/a/manifests/y', { headers, body })
    const deleteTag = (imageTag: string) =>
      call(client, 'BatchDeleteImage', { repositoryName: 'a', imageIds: [{ imageTag }] })
    expect((await deleteTag('x')).output).toEqual({
      imageIds: [{ imageDigest: digest, imageTag: 'x' }],
      failures: [],
    })
    expect((await client.call('HEAD', `/v2/a/manifests/${digest}`)).status).toBe(200)
    await deleteTag('y')
    expect((await client.call('HEAD', `/v2/a/manifests/${digest}`)).status).toBe(404)
  })

  it('keeps the images of an index, also if it has their last tag', async () => {
    const client = await world()
    const child = await client.image('a', '1', 'x')
    await client.manifest('a', indexOf([child.descriptor]), 'i')
    const imageIds = [{ imageDigest: child.digest }, { imageTag: 'x' }, {}, { imageDigest: 'sha256:1' }]
    const { status, output } = await call(client, 'BatchDeleteImage', { repositoryName: 'a', imageIds })
    expect([status, output['imageIds']]).toEqual([200, []])
    expect((output['failures'] as { failureCode: string }[]).map(({ failureCode }) => failureCode)).toEqual([
      'ImageReferencedByManifestList',
      'ImageReferencedByManifestList',
      'MissingDigestAndTag',
      'InvalidImageDigest',
    ])
  })
})
