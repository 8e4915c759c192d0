import { expect, it } from 'vitest'
import type { VendorName } from '../../../src/embedded/vendors/vendor.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import { plainReading } from '../../../src/semver/version.ts'
import { listRepository } from '../../../src/usecases/views/list/list.ts'
import { openStores } from '../client/world.ts'
import { image } from '../../support/images.ts'
import { vendorWorld } from '../../support/vendors/vendor-world.ts'

// GitHub needs three more: one tells an organization from a user, and two answer 304.
it.each<[VendorName, number]>([
  ['ghcr', 103],
  ['harbor', 100],
  ['gitlab', 10],
])('a list of 10,000 tags costs a request for each page (%s)', async (kind, most) => {
  const world = await vendorWorld(kind)
  const { storage, repository, requests, clock } = world
  const stored = await storage.manifest(repository.path, await world.put(image({ layers: 0 }), 'latest'))
  if (stored === undefined) throw new Error('there is no image')
  for (let n = 1; n < 10_000; n++) {
    const bytes = Buffer.concat([stored.bytes, Buffer.from(' '.repeat(n))])
    await storage.putManifest(repository.path, { ...stored, bytes, digest: digestOf(bytes) }, [`0.${n}.0`])
  }
  const before = requests.length
  const options = {
    limit: undefined,
    evidenceTags: false,
    brief: true,
    filter: {},
    now: clock.now(),
    readingOf: () => plainReading,
    inventory: async () => world.inventory,
  }
  const view = await listRepository(openStores().source(repository), options, world.call)
  expect(view.tags).toHaveLength(10_000)
  expect(requests.length - before).toBeLessThanOrEqual(most)
})
