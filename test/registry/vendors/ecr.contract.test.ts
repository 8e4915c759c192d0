import {
  BatchDeleteImageCommand,
  DescribeImagesCommand,
  DescribeRepositoriesCommand,
  ECRClient,
  paginateDescribeImages,
} from '@aws-sdk/client-ecr'
import { expect, it, onTestFinished } from 'vitest'
import { createEcrImitation } from '../../../src/embedded/vendors/ecr.ts'
import { indexOf, started } from '../../embedded/http.ts'
import { accessKey } from './ecr-world.ts'

/** The client of AWS with its own HTTP stack, and the imitation. */
async function world() {
  const server = await started({ vendor: createEcrImitation() })
  const client = new ECRClient({
    endpoint: `http://${server.registry}`,
    region: 'eu-west-1',
    credentials: { accessKeyId: accessKey.id, secretAccessKey: accessKey.secret },
    maxAttempts: 1,
  })
  onTestFinished(() => client.destroy())
  return { ...server, client }
}

it('the client of AWS reads 250 images in three pages', async () => {
  const { client, manifest } = await world()
  for (let i = 0; i < 250; i++) await manifest('a', indexOf([], { annotations: { i: String(i) } }), `v${i}`)
  const pages = paginateDescribeImages({ client, pageSize: 100 }, { repositoryName: 'a' })
  const sizes: number[] = []
  const tags = new Set<string>()
  for await (const { imageDetails = [] } of pages) {
    sizes.push(imageDetails.length)
    for (const { imageTags = [], imagePushedAt } of imageDetails) {
      expect(imagePushedAt).toBeInstanceOf(Date)
      for (const tag of imageTags) tags.add(tag)
    }
  }
  expect([sizes, tags.size]).toEqual([[100, 100, 50], 250])
})

it('the client of AWS deletes 100 images, and 101 are refused', async () => {
  const { client, manifest } = await world()
  const imageIds: { imageDigest: string }[] = []
  for (let i = 0; i < 101; i++)
    imageIds.push({
      imageDigest: (await manifest('a', indexOf([], { annotations: { i: String(i) } }))).digest,
    })
  const repositoryName = 'a'
  await expect(client.send(new BatchDeleteImageCommand({ repositoryName, imageIds }))).rejects.toMatchObject({
    name: 'InvalidParameterException',
  })
  const deleted = await client.send(
    new BatchDeleteImageCommand({ repositoryName, imageIds: imageIds.slice(1) }),
  )
  expect([deleted.imageIds?.length, deleted.failures]).toEqual([100, []])
})

it('the client of AWS reads each field that dray uses', async () => {
  const { client, image } = await world()
  const subject = await image('team/app', 'x', '1')
  await image('team/app', 'y', undefined, { subject: subject.descriptor })
  const { imageDetails = [] } = await client.send(
    new DescribeImagesCommand({ repositoryName: 'team/app', filter: { imageStatus: 'ANY' } }),
  )
  const fields = new Set(imageDetails.flatMap((one) => Object.keys(one)))
  expect([...fields].toSorted()).toEqual([
    'artifactMediaType',
    'imageDigest',
    'imageManifestMediaType',
    'imagePushedAt',
    'imageSizeInBytes',
    'imageStatus',
    'imageTags',
    'registryId',
    'repositoryName',
    'subjectManifestDigest',
  ])
  const { repositories } = await client.send(new DescribeRepositoriesCommand({}))
  expect(repositories).toMatchObject([{ repositoryName: 'team/app' }])
})

it('the client of AWS names the exception of an unknown repository', async () => {
  const { client } = await world()
  await expect(client.send(new DescribeImagesCommand({ repositoryName: 'missing' }))).rejects.toMatchObject({
    name: 'RepositoryNotFoundException',
  })
})
