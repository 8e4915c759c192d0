import { expect, it } from 'vitest'
import { digestOf } from '../../../src/oci/digest.ts'
import { findDamaged } from '../../../src/usecases/promote/read-back.ts'
import { walkGraph } from '../../../src/images/graph/graph.ts'
import { image } from '../../support/images.ts'
import { bench, repository } from '../../support/promotion.ts'
import { watchedRegistry } from '../../support/world.ts'

it('a non-distributable layer does not count as missing at the target', async () => {
  await using registry = await watchedRegistry()
  await using run = await bench()
  const api = image()
  await registry.oracle.push(api, 'prod/api', '1.4.2')
  const store = run.stores.source(repository(registry, 'prod/api'))
  const graph = await walkGraph(store, await store.manifest({ tag: '1.4.2' }, run.call), run.call)
  const layer = { digest: digestOf('elsewhere'), size: 9 }
  const foreign = {
    ...layer,
    mediaType: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
    urls: ['https://vendor.example/layer'],
  }
  const usual = { ...layer, mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip' }
  expect(await findDamaged(store, { ...graph, blobs: [...graph.blobs, foreign] }, run.call)).toEqual([])
  expect(await findDamaged(store, { ...graph, blobs: [...graph.blobs, usual] }, run.call)).toEqual([usual])
})
